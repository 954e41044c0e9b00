"""A plain BM25 over whole files, run by a Python that has bm25s: `plain_bm25.py FOLDER TEXTS`.

Prints JSON: seconds to read, tokenise and index, and of one retrieval for each text.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path


def main() -> None:
    bm25s = import_module("bm25s")  # not installed where this is checked
    folder, texts = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    began = time.perf_counter()
    files = sorted(path for path in folder.rglob("*.py") if path.is_file())
    contents = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    index = bm25s.BM25()
    index.index(bm25s.tokenize(contents, stopwords="en", show_progress=False), show_progress=False)
    seconds = time.perf_counter() - began
    times = []
    for text in texts:
        began = time.perf_counter()
        words = bm25s.tokenize(text, stopwords="en", show_progress=False)
        index.retrieve(words, k=min(20, len(files)), show_progress=False)
        times.append(time.perf_counter() - began)
    print(json.dumps({"files": len(files), "seconds": seconds, "query_s": times}))


if __name__ == "__main__":
    main()
