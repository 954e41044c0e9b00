"""Which tests exercise a task's change: told to the agent as it works, and set beside the results by the proof.

A map that cannot be had costs this advice and nothing else.
"""

from __future__ import annotations

from contextlib import closing

import structlog

from codebase.history import IGNORE_FILE, Past, read_ignored, read_log, read_past
from codebase.index import BlobCache, Contents, Finder
from codebase.index.grammars import grammar_for
from codebase.testing import Chooser, TestMap, build_map, is_support, is_test, npm_script
from repositories import Mirror
from repositories.commit_history import commit_history
from repositories.commit_tree import commit_tree
from workers import localising
from workers.facts import facts_of
from workers.workshop import TaskContext

log = structlog.get_logger(__name__)

PATIENCE_S = 60.0
_CONFIGURATION = 1 << 20
_COMMITS = 5_000
"""What changed together before these says little about today, and a window does not wait for it."""


def chooser(context: TaskContext, rev: str, finder: Finder | None) -> Chooser | None:
    """Knows the tests of the tree of `rev`, which `finder` searches; None where there is no index of it."""
    if finder is None:
        return None
    mirror = context.source.mirror(context)
    tree = commit_tree(mirror.path, rev)
    index = context.workshop.indexes.path(mirror.path)
    kept = context.settings.state_dir / "histories" / index.stem

    def make() -> TestMap:
        contents = Contents(tree)
        written = commit_history(mirror.path, rev).log(kept, commits=_COMMITS)
        ignored = read_ignored((contents.read(IGNORE_FILE) or b"").decode("utf-8", "replace"))
        past: Past = read_past(read_log(written.data), contents.files, ignored)
        with closing(BlobCache(index)) as cache:
            return build_map(finder.corpus, tree, contents, cache, past)

    package = Contents(tree).read("package.json") or b""
    script = npm_script(package) if len(package) <= _CONFIGURATION else ""
    return Chooser(Contents(tree), make, facts_of(context).facts.test_commands, script)


def exercising(context: TaskContext, base: str, head: str) -> dict[str, tuple[str, ...]]:
    """The code that lies between two commits, and the tests that exercise each file, the likeliest first; empty where
    that cannot be told. Raises EndTask, HandBack, LeaseLost when the task has to stop meanwhile."""
    made = chooser(context, base, localising.search_of(context, base))
    if made is None:
        return {}
    try:
        return _exercising(made, context.source.mirror(context), base, head)
    except Exception:
        # The proof goes without; a defect here must not keep a change from its evidence.
        log.exception("no tests chosen for the proof")
        return {}


def _exercising(made: Chooser, mirror: Mirror, base: str, head: str) -> dict[str, tuple[str, ...]]:
    changed = [one for one in mirror.changed_paths(base, head) if grammar_for(one.path) is not None]
    contents = {
        one.old_path or one.path: None if one.status == "deleted" else mirror.read_file(head, one.path)
        for one in changed
    }
    choice = made.choose(contents, wait_s=PATIENCE_S)
    if choice is None:
        log.warning("no tests chosen for the proof", exc_info=made.failure)
        return {}
    code = [one for one in changed if one.status != "deleted" and not is_test(one.path) and not is_support(one.path)]
    return {one.path: choice.selection.exercising.get(one.old_path or one.path, ()) for one in code}
