"""How well tests are chosen for a change, on repositories' own history: the test files that went in with it are gold.

A change is one step of the main line: a squashed or merged pull request, or a commit of its own. It counts when it
touches code and modifies test files that were there before. The map is that of its parent, and sees only the part of
the change that is no test. `any@k`: one of the gold files is among the first k; `all@k`: all of them are, or k of them.
A test that would have failed and was not touched is not gold, so the figures are a floor for the first places.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codebase.history import Commit, Past, noise, read_log, read_past
from codebase.index import BlobCache, Corpus, build_corpus
from codebase.index.contents import Contents
from codebase.index.grammars import grammar_for
from codebase.index.links import Links, links_of
from codebase.navigation import import_graph
from codebase.testing import Edit, TestMap, is_test, read_diff
from codebase.testing.conventions import likeness
from evals import from_history
from evals.localise import Outcome, all_among
from repositories.commit_history import commit_history
from repositories.commit_tree import commit_tree, locate
from repositories.comparison import changed_paths, readable_diff
from repositories.git import Git

AT = (1, 3, 5, 10)
_MOST_FILES = 30
_MOST_DIFF = 8 << 20


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the main line: its commit, the first parent, and the test files that it modified."""

    commit: str
    parent: str
    gold: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """What a contender is given: the parent's index, its past, and the change without its tests."""

    corpus: Corpus
    links: Mapping[str, Links]
    graph: Mapping[str, Mapping[str, int]]
    past: Past
    edits: Sequence[Edit]


def by_map(case: Case) -> list[str]:
    chosen = TestMap(case.corpus, case.links, case.graph, case.past).select(case.edits, most=AT[-1])
    return [one.path for one in chosen.tests]


def by_map_alone(case: Case) -> list[str]:
    chosen = TestMap(case.corpus, case.links, case.graph).select(case.edits, most=AT[-1])
    return [one.path for one in chosen.tests]


def by_name(case: Case) -> list[str]:
    """The convention and nothing else: tests named after a changed file, the likest first."""
    code = [edit.path for edit in case.edits if grammar_for(edit.path) is not None]
    alike = {test: max((likeness(test, path) for path in code), default=0.0) for test in case.corpus.paths
             if is_test(test)}  # fmt: skip
    return sorted((test for test, worth in alike.items() if worth), key=lambda test: (-alike[test], test))


CONTENDERS: Mapping[str, Callable[[Case], list[str]]] = {
    "map": by_map,
    "map without the past": by_map_alone,
    "name convention": by_name,
}


def measure(
    clones: Sequence[Path], *, most: int, scan: int, told: Callable[[str], None]
) -> Mapping[str, Mapping[str, list[Outcome]]]:
    """By repository and contender an outcome for each change: at most `most` of them, spread over `scan` steps."""
    found: dict[str, dict[str, list[Outcome]]] = {}
    for given in clones:
        clone = from_history.git_dir(given.resolve())
        name = clone.parent.name if clone.name in ("repo", ".git") else clone.name
        outcomes: dict[str, list[Outcome]] = {contender: [] for contender in CONTENDERS}
        for step, case in cases(clone, most=most, scan=scan):
            for contender, choose in CONTENDERS.items():
                outcomes[contender].append(judge(step, case, choose))
            told(f"{name} {step.commit[:12]}")
        found[name] = outcomes
    return found


def judge(step: Step, case: Case, choose: Callable[[Case], list[str]]) -> Outcome:
    began = time.perf_counter()
    chosen = choose(case)
    seconds = time.perf_counter() - began
    values = {f"any@{k}": float(bool(set(step.gold) & set(chosen[:k]))) for k in AT}
    values |= {f"all@{k}": all_among(step.gold, chosen, k) for k in AT}
    missed = tuple(path for path in step.gold if path not in chosen[: AT[-1]])
    return Outcome(step.commit, values, seconds, missed)


def cases(clone: Path, *, most: int, scan: int) -> Iterator[tuple[Step, Case]]:
    """The changes of a clone with all that is known at their parents. RepositoryError."""
    git, _ = locate(clone, "HEAD")
    commits = list(read_log(commit_history(clone, "HEAD").log().data))
    known = {commit.sha: commit for commit in commits}
    with tempfile.TemporaryDirectory(prefix="forgehand-choosing-") as folder:
        cache = BlobCache(Path(folder) / "index.db")
        try:
            for step in steps(git, commits, known, most=most, scan=scan):
                tree = commit_tree(clone, step.parent)
                contents = Contents(tree)
                corpus = build_corpus(tree, cache)
                links = links_of(tree, tree.files(), cache)
                graph = import_graph(contents.files, links, contents.read)
                before = _ancestors(step.parent, known)
                past = read_past((one for one in commits if one.sha in before), contents.files)
                diff = readable_diff(git, step.parent, step.commit, limit=_MOST_DIFF)
                edits = [edit for edit in read_diff(diff) if not is_test(edit.path)]
                yield step, Case(corpus, links, graph, past, edits)
        finally:
            cache.close()


def steps(
    git: Git, commits: Sequence[Commit], known: Mapping[str, Commit], *, most: int, scan: int
) -> list[Step]:  # fmt: skip
    """The main line's changes that count, evenly spread over its newest `scan` steps."""
    line: list[Commit] = []
    here = commits[0] if commits else None
    while here is not None and len(line) < scan:
        line.append(here)
        here = known.get(here.parents[0]) if here.parents else None
    fitting: list[Step] = []
    for commit in line:
        step = None if noise(commit) or (len(commit.parents) > 1 and commit.merges is None) else _step(git, commit)
        if step is not None:
            fitting.append(step)
    apart = max(1.0, len(fitting) / most)
    return [fitting[int(number * apart)] for number in range(min(most, len(fitting)))]


def _step(git: Git, commit: Commit) -> Step | None:
    if not commit.parents:
        return None
    changed = changed_paths(git, commit.parents[0], commit.sha)
    if len(changed) > _MOST_FILES:
        return None
    code = [one for one in changed if grammar_for(one.path) is not None and one.status in ("modified", "renamed")]
    gold = tuple(one.old_path or one.path for one in code if is_test(one.path) and is_test(one.old_path or one.path))
    if not gold or all(is_test(one.path) for one in code):
        return None
    return Step(commit.sha, commit.parents[0], gold)


def _ancestors(sha: str, known: Mapping[str, Commit]) -> set[str]:
    found: set[str] = set()
    waiting = [sha]
    while waiting:
        one = waiting.pop()
        if one not in found and one in known:
            found.add(one)
            waiting.extend(known[one].parents)
    return found
