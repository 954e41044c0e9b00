"""aider's repository map over a folder, run by a Python that has aider-chat: `aider_map.py FOLDER TEXTS`.

Prints JSON: seconds of the first map, which fills its cache, and of one map for each text, whose words are given as
mentioned identifiers. The map's cache is written into the folder.
"""

import json
import re
import sys
import time
from importlib import import_module
from pathlib import Path


class Silent:
    """What RepoMap wants of aider's console."""

    def tool_output(self, *_: object, **__: object) -> None:
        return

    tool_warning = tool_error = tool_output

    def read_text(self, filename: str, *_: object, **__: object) -> str:
        return Path(filename).read_text(encoding="utf-8", errors="replace")


class Counting:
    """What RepoMap wants of a model: four characters to a token."""

    def token_count(self, text: str) -> int:
        return len(text) // 4


def main() -> None:
    repo_map_class = import_module("aider.repomap").RepoMap  # not installed where this is checked
    folder, texts = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    files = sorted(str(path) for path in folder.rglob("*.py") if path.is_file())
    repo_map = repo_map_class(map_tokens=1024, root=str(folder), main_model=Counting(), io=Silent(), map_mul_no_files=1)
    times = []
    for text in [texts[0], *texts]:
        began = time.perf_counter()
        repo_map.get_repo_map([], files, mentioned_idents=set(re.findall(r"\w{3,}", text)))
        times.append(time.perf_counter() - began)
    print(json.dumps({"files": len(files), "seconds": times[0], "query_s": times[1:]}))


if __name__ == "__main__":
    main()
