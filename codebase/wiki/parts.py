"""The repository's parts: folders, files of a flat one, and what imports each other in a large flat one. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["code", "tests", "around"]
MOST_PARTS = 30
_WANTED = 8
_LARGE_SHARE = 0.25
_MOST_CLUSTERED = 1_000
_MOST_BESIDE = 12
_SAY_IT = {
    "tests": frozenset({"test", "tests", "spec"}),
    "around": frozenset({"docs", "doc", "examples", "scripts", "tools"}),
}
_TESTS = re.compile(
    r"(^|/)((\w+[-_])?tests?|__tests__|specs?|test[-_]?data|fixtures)/|^testing/"
    r"|(^|/)(test_[^/]*|[^/]*_test\.\w+|[^/]*\.(test|spec)\.\w+|conftest\.py|tests?\.rs)$",
    re.IGNORECASE,
)
_AROUND = re.compile(
    r"(^|/)(docs?|examples?|benches|fuzz|vendor|third_party|node_modules|dist|site-packages|\.[^/]+)/"
    r"|^(samples?|demos?|\w*bench(marks?)?|scripts?|tools?|ci|build)/",  # deeper down, code has such names too
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """`title` is how people call it, `folder` what its files have in common (ending in `/`; the root is `/`)."""

    title: str
    folder: str
    paths: tuple[str, ...]
    role: Role
    grouped: bool = False  # what did not get a part of its own


def role_of(path: str, named: str = "") -> Role:
    """What a file is for, by where it lies. `named`: the repository's name; its folder is never beside the code."""
    inner = path.removeprefix(f"{named}/") if named else path
    if _TESTS.search(inner):
        return "tests"
    return "around" if _AROUND.search(inner) else "code"


def find_parts(lines: Mapping[str, int], imports: Mapping[str, Iterable[str]], named: str = "") -> list[Part]:
    """Parts of the files in `lines` (code only, with their length), those of the code itself first, in order of path.

    `imports` says which files a file uses: what is in no folder of its own is put together by that.
    """
    by_role: dict[Role, list[str]] = defaultdict(list)
    for path in sorted(lines):
        by_role[role_of(path, named)].append(path)
    if not by_role["code"]:  # a repository of examples, or of tests: then these are what it is about
        instead: Role = "around" if by_role["around"] else "tests"
        by_role["code"] = by_role.pop(instead, [])
    found = _split(by_role["code"], lines, imports)
    return found + _beside(by_role["tests"], lines, "tests") + _beside(by_role["around"], lines, "around")


@dataclass(frozen=True, slots=True)
class _Group:
    folder: str  # "" for the root, else without a slash at its end
    paths: tuple[str, ...]
    loose: bool = False  # only the files directly in the folder
    whole: bool = False  # cannot be taken apart any further
    title: str = ""
    grouped: bool = False


def _split(paths: Sequence[str], lines: Mapping[str, int], imports: Mapping[str, Iterable[str]]) -> list[Part]:
    if not paths:
        return []
    groups = [_Group("", tuple(paths))]
    total = sum(lines[path] for path in paths) or 1

    def size(group: _Group) -> int:
        return sum(lines[path] for path in group.paths)

    while len(groups) < MOST_PARTS:
        open_ones = [group for group in groups if not group.whole and len(group.paths) > 1]
        if not open_ones:
            break
        largest = max(open_ones, key=lambda group: (size(group), group.folder))
        if len(groups) >= _WANTED and size(largest) < _LARGE_SHARE * total:
            break
        groups.remove(largest)
        groups += _apart(largest, MOST_PARTS - len(groups), lines, imports)
    groups.sort(key=lambda group: (group.paths[0], group.folder))
    return [Part(_title(group), f"{group.folder}/", group.paths, "code", group.grouped) for group in groups]


def _title(group: _Group) -> str:
    if group.title:
        return group.title
    if len(group.paths) == 1:
        return group.paths[0]
    return f"{group.folder or 'top folder'} (its own files)" if group.loose else group.folder or "everything"


def _apart(group: _Group, room: int, lines: Mapping[str, int], imports: Mapping[str, Iterable[str]]) -> list[_Group]:
    """The pieces of a group, at most `room` of them."""
    start = len(group.folder) + 1 if group.folder else 0
    below: dict[str, list[str]] = defaultdict(list)
    loose: list[str] = []
    for path in group.paths:
        child, slash, _ = path[start:].partition("/")
        (below[child] if slash and not group.loose else loose).append(path)
    if not below:
        return _flat(group, loose, room, imports)
    inner = f"{group.folder}/" if group.folder else ""
    if len(below) == 1 and not loose:  # a folder that only holds another
        child = next(iter(below))
        return [_Group(inner + child, group.paths)]
    ranked = sorted(below, key=lambda child: (-sum(lines[path] for path in below[child]), child))
    kept = room - (1 if loose else 0)
    if kept < 1:
        return [_Group(group.folder, group.paths, whole=True, grouped=group.grouped)]
    if len(ranked) > kept:
        kept -= 1
    found = [_Group(inner + child, tuple(below[child])) for child in ranked[:kept]]
    if loose:
        found.append(_Group(group.folder, tuple(loose), loose=True))
    rest = tuple(sorted(path for child in ranked[kept:] for path in below[child]))
    if rest:
        title = f"{len(ranked) - kept} more folders in {group.folder or 'the top folder'}"
        found.append(_Group(group.folder, rest, whole=True, title=title, grouped=True))
    return found


def _flat(group: _Group, paths: Sequence[str], room: int, imports: Mapping[str, Iterable[str]]) -> list[_Group]:
    whole = _Group(group.folder, tuple(paths), loose=group.loose, whole=True)
    if len(paths) <= room:
        return [_Group(group.folder, (path,), whole=True) for path in paths]
    if room < 3 or len(paths) > _MOST_CLUSTERED:
        return [whole]
    found = []
    for cluster in clusters(paths, imports, min(room, 8)):
        used = Counter(used for path in paths for used in imports.get(path, ()) if used in cluster)
        main = max(cluster, key=lambda path: (used[path], path))
        more = f" and {len(cluster) - 1} more" if len(cluster) > 1 else ""
        found.append(_Group(group.folder, tuple(cluster), whole=True, title=main + more))
    return found


def clusters(paths: Sequence[str], imports: Mapping[str, Iterable[str]], most: int) -> list[list[str]]:
    """`paths` in at most `most` groups of files that use each other: the two groups whose joining adds most to the
    modularity (Newman 2004; Clauset, Newman and Moore 2004) are joined as long as that adds anything, or they are too
    many."""
    known = {path: number for number, path in enumerate(paths)}
    weights: dict[int, Counter[int]] = {number: Counter() for number in range(len(paths))}
    for path, number in known.items():
        for used in imports.get(path, ()):
            other = known.get(used)
            if other is not None and other != number:
                weights[number][other] += 1
                weights[other][number] += 1
    degree = {number: sum(near.values()) for number, near in weights.items()}
    double = sum(degree.values()) or 1
    members = {number: [path] for path, number in known.items()}
    while len(members) > 1:
        best: tuple[float, int, int] | None = None
        for one, near in weights.items():
            for other, weight in near.items():
                gain = weight / double - degree[one] * degree[other] / (double * double)
                if one < other and (best is None or gain > best[0]):
                    best = gain, one, other
        if len(members) <= most and (best is None or best[0] <= 0):
            break
        if best is None:  # nothing joins those that are left: the smallest ones go together
            small = sorted(members, key=lambda number: (len(members[number]), members[number]))
            best = 0.0, small[0], small[1]
        _, one, other = best
        members[one] = sorted(members[one] + members.pop(other))
        for third, weight in weights.pop(other).items():
            weights[third].pop(other, None)
            if third != one:
                weights[one][third] += weight
                weights[third][one] += weight
        degree[one] += degree.pop(other)
    return sorted(members.values())


def _beside(paths: Sequence[str], lines: Mapping[str, int], role: Literal["tests", "around"]) -> list[Part]:
    """Tests and what stands around the code, by their first two folders."""
    groups: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        groups[path.split("/")[0] if "/" in path else ""].append(path)
    ranked = sorted(groups, key=lambda folder: (-sum(lines[path] for path in groups[folder]), folder))
    found = []
    for folder in ranked[:_MOST_BESIDE]:
        title = groups[folder][0] if len(groups[folder]) == 1 else folder or "top folder"
        word = {"tests": "tests", "around": "beside the code"}[role]
        said = title if folder in _SAY_IT[role] else f"{title} ({word})"
        found.append(Part(said, f"{folder}/", tuple(groups[folder]), role))
    rest = tuple(sorted(path for folder in ranked[_MOST_BESIDE:] for path in groups[folder]))
    if rest:
        found.append(Part(f"{len(ranked) - _MOST_BESIDE} more folders ({role})", "/", rest, role, grouped=True))
    return found
