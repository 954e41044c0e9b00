"""Moving about one commit: definition, references, callers, callees, overrides, outline, search, a map of it."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from codebase.index.cache import BlobCache
from codebase.index.corpus import Corpus
from codebase.index.links import Links
from codebase.index.ranking import ASIDE, TEST
from codebase.index.searching import search
from codebase.index.tree import Tree
from codebase.navigation.commit import Commit
from codebase.navigation.names import CONSTRUCTORS, SELF, SUPER, chain_before, parts_of, words_in
from codebase.navigation.occurrences import Occurrence
from codebase.navigation.overriding import related_classes, related_methods
from codebase.navigation.place import Answer, Certainty, Place
from codebase.navigation.repository_map import Drawn, draw_map, ranks
from codebase.navigation.scope import Meaning, Scope

MOST = 50
MOST_PARSED = 300
_ASSIGNED = (
    r"^\s*(?:(?:export|pub|public|private|protected|internal|static|final|const|constexpr|readonly|let|var|val|type|mut"
    r"|#define)\b(?:\([^)\n]*\))?\s*)*(?:[\w<>\[\],.:*&?]+\s+)?(?<![\w$.])%s\s*(?::[^=\n]*)?(?:=(?![=>])|\s\S)"
)


# What is followed by more of a name is part of it; what is given a value there is not what it means elsewhere.
_GOES_ON = re.compile(r"\s*(?:(?:\?\.|->|::|\.)\s*[^\W\d]|=(?![=>]))")
_HEAD_LINES = 10
_BY_CLASS = frozenset({"type", "class", "base class"})
_IN_ORDER = ("call", "base", "import", "use")


class NotThere(LookupError):
    """There is no such name, file or line; says which, for people."""


@dataclass(frozen=True, slots=True)
class _Use:
    path: str
    line: int
    kind: str
    place: int
    certainty: Certainty
    scope: str


class Navigator:
    """One commit. Everything is built when it is first needed and kept. For any number of threads."""

    def __init__(self, tree: Tree, cache: BlobCache, corpus: Corpus | None = None) -> None:
        self._commit = Commit(tree, cache, corpus)
        self._scope = Scope(self._commit)
        self._overridden_by: dict[frozenset[int], set[int]] = {}
        self._one_at_a_time = threading.RLock()

    @property
    def corpus(self) -> Corpus:
        with self._one_at_a_time:
            return self._commit.corpus

    def definition(self, name: str = "", *, path: str = "", line: int = 0, most: int = MOST) -> Answer:
        """Where `name` (`f`, `Class.method`, `pkg.mod.f`) is defined; with `path` and `line`, what it means there, and
        without a name, what every name on that line means. Raises `NotThere`."""
        with self._one_at_a_time:
            if not path:
                return self._bounded(self._definitions(name), most)
            place = self._standing(path, line)
            found: list[Place] = []
            for chain in self._chains(path, line, name):
                meaning = self._scope.meaning(path, place, chain)
                sure = meaning.certainty == "exact" or bool(name)
                found += self._defined(meaning) if sure else ()
            if name and not found:
                found = self._definitions(name)
            return self._bounded(_distinct(found), most)

    def references(self, name: str = "", *, path: str = "", line: int = 0, most: int = MOST) -> Answer:
        """Where a definition is used: its name in code, not in comments and strings, and not where it is known to mean
        another. The definition itself is not part of it. In the files after the first `MOST_PARSED` that have the name
        only calls are looked for. Raises `NotThere`."""
        with self._one_at_a_time:
            found: list[_Use] = []
            for last, targets in self._targets(name, path, line).items():
                names = self._commit.names_of(last)
                # A constructor's own name is of use only where it is called, and stands in most files.
                paths = sorted(self._files_with(names), key=lambda path: (_aside(path), path))
                parsed = [] if last in CONSTRUCTORS else paths[:MOST_PARSED]
                # Of a constructor the class is used where it is called; where it is only named, that is the class's.
                made = {self._scope.is_class(one) for one in targets} == {True, False}
                for where, occurrences in self._commit.occurrences(names, parsed).items():
                    uses = self._uses_in(where, occurrences, names, targets)
                    found += (one for one in uses if one.kind == "call" or not made)
                for where in paths[len(parsed) :]:
                    found += self._calls_in(where, names, targets)
            return self._shown(found, most)

    def callers(self, name: str = "", *, path: str = "", line: int = 0, most: int = MOST) -> Answer:
        """The calls of a function, or the constructions of a class, each with the definition it stands in. Raises
        `NotThere`."""
        with self._one_at_a_time:
            found: list[_Use] = []
            for last, targets in self._targets(name, path, line).items():
                names = self._commit.names_of(last)
                for where in self._files_with(names):
                    found += self._calls_in(where, names, targets)
            return self._shown(found, most)

    def callees(self, name: str = "", *, path: str = "", line: int = 0, most: int = MOST) -> Answer:
        """The definitions that a function or class calls; `outside` names what it calls that is none of this
        repository's. Raises `NotThere`."""
        with self._one_at_a_time:
            found: list[Place] = []
            outside: list[str] = []
            for target in self._one_each(self._targets(name, path, line)):
                where = self._commit.corpus.path(target)
                start, end = self._commit.span(target)
                for call in self._commit.links(where).calls:
                    place = self._commit.place(where, call.place)
                    inside = self._commit.span(place)
                    if not (start <= inside[0] and inside[1] <= end) and place != target:
                        continue
                    meaning = self._scope.meaning(where, place, call.name)
                    places = self._defined(meaning)
                    found += places
                    if not places:
                        outside.append(call.name)
            answer = self._bounded(_distinct(found), most)
            return Answer(answer.places, answer.left_out, tuple(dict.fromkeys(outside)))

    def overrides(self, name: str = "", *, path: str = "", line: int = 0, most: int = MOST) -> Answer:
        """For a method, where the bases and the heirs of its class define it too; for a class, these. `scope` says
        which: "base" or "subclass". Raises `NotThere`."""
        with self._one_at_a_time:
            found: list[Place] = []
            for target in self._one_each(self._targets(name, path, line, constructors=False)):
                is_class = self._scope.is_class(target)
                related = (related_classes if is_class else related_methods)(self._scope, target)
                self._commit.contents.load({self._commit.corpus.path(one.place) for one in related})
                for one in related:
                    found.append(self._definition(one.place, one.certainty, "base" if one.above else "subclass"))
            return self._bounded(_distinct(found), most)

    def outline(self, path: str) -> Answer:
        """The definitions of a file in the order of their lines. Raises `NotThere`."""
        with self._one_at_a_time:
            if path not in self._commit.numbers:
                raise NotThere(f"{path}: there is no such file, or it is of no language that is known")
            places = self._commit.places(path)[1:]
            return Answer(tuple(self._definition(place, "exact", "same file") for place in places))

    def search(self, text: str, *, top: int = 20) -> Answer:
        """What search finds (codebase.index.search), as places."""
        with self._one_at_a_time:
            hits = search(self._commit.corpus, text, top=top)
            places = [self._commit.place_at(hit.path, hit.start_line) for hit in hits]
            return Answer(tuple(
                Place(hit.path, hit.start_line, hit.end_line, hit.symbol, hit.kind,
                      self._commit.head(place) if place is not None and hit.symbol else "", "by_name", "search")
                for hit, place in zip(hits, places, strict=True)
            ))  # fmt: skip

    def map(self, *, tokens: int, mentioned: Iterable[str] = ()) -> str:
        """The files most depended upon, with the heads of their definitions, in at most some `tokens` of text (four
        characters each). `mentioned`: names and paths that shall weigh more."""
        with self._one_at_a_time:
            commit = self._commit
            commit.load_links(commit.code)
            graph = {path: {target for _, _, target in commit.imports(path)} for path in commit.code}
            ranked = {path: rank for path, rank in ranks(graph).items() if not commit.is_generated(path)}
            shown = {path: rank for path, rank in ranked.items() if not TEST.search(path)} or ranked

            uses = _uses(commit.links(path) for path in commit.code)

            def drawn(path: str) -> list[Drawn]:
                found: list[Drawn] = []
                for place in commit.places(path)[1:]:
                    name = commit.corpus.name(place)
                    last = parts_of(name)[-1]
                    start, namesakes = commit.span(place)[0], len(commit.named[last])
                    found.append(Drawn(name, start, commit.head(place), uses[last], namesakes))
                return found

            return draw_map(shown, drawn, tokens=tokens, mentioned=frozenset(mentioned))

    def _definitions(self, name: str) -> list[Place]:
        parts = parts_of(name.strip())
        if not name.strip():
            raise NotThere("no name was given")
        named = [place for place in self._commit.named.get(parts[-1], ()) if self._fits(place, parts)]
        if not named and len(parts) > 1:
            named = self._inherited(parts)
        if named:
            # Several of one name in one file are one definition in several forms.
            one = len({(self._commit.corpus.path(place), self._commit.corpus.name(place)) for place in named}) == 1
            sure: Certainty = "exact" if one else "by_name"
            scope = "only one of that name" if one else "by name"
            return [self._definition(place, sure, scope) for place in named]
        found = self._assigned(parts[-1]) if len(parts) == 1 else []
        if not found:
            alike = [place for place in self._commit.corpus.by_name.get(parts[-1].lower(), ()) if parts[1:] == ()]
            found = [self._definition(place, "by_name", "by name, in other letters") for place in alike]
        if not found:
            raise NotThere(f"{name}: nothing of that name is defined in this repository")
        return found

    def _fits(self, place: int, parts: Sequence[str]) -> bool:
        """Whether `parts` are the end of the definition's name, with its file's path for what comes before."""
        own = parts_of(self._commit.corpus.name(place))
        stem = self._commit.corpus.path(place).rpartition(".")[0]
        modules = stem.removesuffix("/__init__").removesuffix("/mod").split("/")
        whole = [*modules, *own]
        return len(parts) <= len(whole) and whole[-len(parts) :] == list(parts)

    def _inherited(self, parts: Sequence[str]) -> list[int]:
        owners = [
            place for place in self._commit.named.get(parts[-2], ())
            if self._scope.is_class(place) and self._fits(place, parts[:-1])
        ]  # fmt: skip
        return [found for owner in owners for found in self._scope.member(owner, parts[-1])]

    def _assigned(self, name: str) -> list[Place]:
        """Lines that give a variable or a constant of this name its value: by their look, since no index has them."""
        pattern = re.compile(_ASSIGNED % re.escape(name))
        found: list[Place] = []
        paths = self._commit.files_with(name)
        for where, occurrences in self._commit.occurrences([name], paths).items():
            for line in dict.fromkeys(number for number, chain, _ in occurrences if chain == name):
                lines = self._commit.contents.lines(where)
                place = self._commit.place_at(where, line)
                top = place is not None and self._commit.corpus.kind(place) != "function"
                if top and line <= len(lines) and pattern.match(lines[line - 1]):
                    found.append(self._at(where, line, "variable", "by_name", "by name", place))
        return sorted(found, key=lambda one: (_aside(one.path), one.path))

    def _targets(self, name: str, path: str, line: int, *, constructors: bool = True) -> dict[str, set[int]]:
        """The definitions a question is about, by the last part of the name they are used by."""
        if path:
            place = self._standing(path, line)
            if name:
                places = {one for chain in self._chains(path, line, name)
                          for one in self._scope.meaning(path, place, chain).places}  # fmt: skip
            else:
                places = {place} if self._commit.corpus.kind(place) != "file" else set()
            if not places:
                raise NotThere(f"{path}:{line}: no definition stands there{f' as {name}' if name else ''}")
        else:
            parts = parts_of(name.strip())
            places = {one for one in self._commit.named.get(parts[-1], ()) if self._fits(one, parts)}
            places = places or set(self._inherited(parts) if len(parts) > 1 else ())
            if not places:
                raise NotThere(f"{name}: no function or class of that name is defined in this repository")
        found: dict[str, set[int]] = {}
        for one in places:
            own = parts_of(self._commit.corpus.name(one))
            if constructors and len(own) > 1 and (own[-1] in CONSTRUCTORS or own[-1] == own[-2]):
                around = self._commit.class_around(one)
                found.setdefault(own[-2], set()).update({one} if around is None else {one, around})
            if not constructors or len(own) == 1 or own[-1] != own[-2]:
                found.setdefault(own[-1], set()).add(one)
        return found

    @staticmethod
    def _one_each(targets: dict[str, set[int]]) -> list[int]:
        return sorted(place for places in targets.values() for place in places)

    def _files_with(self, names: Sequence[str]) -> list[str]:
        paths = list(dict.fromkeys(path for name in names for path in self._commit.files_with(name)))
        self._commit.load_links(paths)
        return paths

    def _calls_in(self, path: str, names: Sequence[str], targets: set[int]) -> Iterator[_Use]:
        for call in self._commit.links(path).calls:
            if call.name.rpartition(".")[2] in names:
                place = self._commit.place(path, call.place)
                yield from self._leading(path, call.line, "call", place, call.name, targets)

    def _uses_in(
        self, path: str, occurrences: Sequence[Occurrence], names: Sequence[str], targets: set[int]
    ) -> Iterator[_Use]:
        """The occurrences of names in one file that are uses of the targets."""
        links = self._commit.links(path)
        calls = {call.line for call in links.calls if call.name.rpartition(".")[2] in names}
        heirs = [self._commit.span(self._commit.place(path, number))[0] for number, base in links.bases
                 if parts_of(base)[-1] in names]  # fmt: skip
        own = [
            one for name in names for one in self._commit.named.get(name, ()) if self._commit.corpus.path(one) == path
        ]
        heads = {self._commit.head_line(place) for place in own}
        functions = not any(self._scope.is_class(one) for one in targets)
        for line, chain, kind in occurrences:
            place = self._commit.place_at(path, line)
            if place is None or line in heads:
                continue
            if kind == "import":
                if targets & set(self._scope.in_import(path, chain)):
                    yield _Use(path, line, kind, place, "exact", "imports")
                continue
            if kind == "use" and functions and self._commit.language(path) in ("Java", "PHP"):
                continue  # a field or a variable: nobody names a function there without calling it
            if kind == "use" and line in calls:
                kind = "call"
            elif any(start <= line <= start + _HEAD_LINES for start in heirs):
                kind = "base"
            yield from self._leading(path, line, kind, place, chain, targets)

    def _leading(self, path: str, line: int, kind: str, place: int, chain: str, targets: set[int]) -> Iterator[_Use]:
        """A use, where what stands there may lead to one of the targets."""
        meaning = self._scope.meaning(path, place, chain)
        if meaning.outside:
            return
        if targets & set(meaning.places):
            yield _Use(path, line, kind, place, meaning.certainty, meaning.scope)
        elif meaning.scope in _BY_CLASS and self._overridden(targets) & set(meaning.places):
            yield _Use(path, line, kind, place, "by_name", "may be overridden")

    def _constructs(self, place: int) -> bool:
        """Whether a place is a class or a constructor: nobody calls another's in its stead."""
        own = parts_of(self._commit.corpus.name(place))
        return self._scope.is_class(place) or own[-1] in CONSTRUCTORS or own[-1:] == own[-2:-1]

    def _overridden(self, targets: set[int]) -> set[int]:
        """The methods that these define anew: a call of one of them may end up here."""
        key = frozenset(targets)
        if key not in self._overridden_by:
            self._overridden_by[key] = {
                one.place for target in targets if not self._constructs(target)
                for one in related_methods(self._scope, target) if one.above
            }  # fmt: skip
        return self._overridden_by[key]

    def _shown(self, uses: Iterable[_Use], most: int) -> Answer:
        """Each use once, the surest first; only of those that are shown the text is read."""
        found: dict[tuple[str, int], _Use] = {}
        for one in sorted(uses, key=lambda one: (one.certainty != "exact", _IN_ORDER.index(one.kind))):
            found.setdefault((one.path, one.line), one)
        ordered = sorted(
            found.values(), key=lambda one: (one.certainty != "exact", _aside(one.path), one.path, one.line)
        )
        self._commit.contents.load({one.path for one in ordered[:most]})
        places = [self._at(one.path, one.line, one.kind, one.certainty, one.scope, one.place) for one in ordered[:most]]
        return Answer(tuple(places), max(0, len(ordered) - most))

    def _standing(self, path: str, line: int) -> int:
        place = self._commit.place_at(path, line)
        if path not in self._commit.numbers:
            raise NotThere(f"{path}: there is no such file, or it is of no language that is known")
        if place is None:
            raise NotThere(f"{path}:{line}: the file has no such line")
        return place

    def _chains(self, path: str, line: int, name: str) -> list[str]:
        """The dotted names on a line, or those that end in `name`'s last part."""
        lines = self._commit.contents.lines(path)
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        last = parts_of(name)[-1] if name else ""
        found = [
            chain_before(text, end)
            for start, end in words_in(text)
            if (text[start:end] == last if last else not _GOES_ON.match(text, end))
        ]
        chains = [chain for chain in dict.fromkeys(found) if chain and chain not in SELF | SUPER]
        return chains or ([name] if name else [])

    def _defined(self, meaning: Meaning) -> list[Place]:
        self._commit.contents.load({self._commit.corpus.path(place) for place in meaning.places})
        return [self._definition(place, meaning.certainty, meaning.scope) for place in meaning.places]

    def _definition(self, place: int, certainty: Certainty, scope: str) -> Place:
        start, end = self._commit.span(place)
        corpus = self._commit.corpus
        head = self._commit.head(place)
        return Place(corpus.path(place), start, end, corpus.name(place), corpus.kind(place), head, certainty, scope)

    def _at(self, path: str, line: int, kind: str, certainty: Certainty, scope: str, place: int | None) -> Place:
        symbol = self._commit.corpus.name(place) if place is not None else ""
        return Place(path, line, line, symbol, kind, self._commit.line(path, line), certainty, scope)

    @staticmethod
    def _bounded(places: Sequence[Place], most: int) -> Answer:
        ordered = sorted(places, key=lambda one: (one.certainty != "exact", _aside(one.path)))
        return Answer(tuple(ordered[:most]), max(0, len(ordered) - most))


def _aside(path: str) -> int:
    """What is of the product comes before its examples and benchmarks, and these before its tests."""
    return 2 if TEST.search(path) else 1 if ASIDE.search(path) else 0


def _distinct(places: Iterable[Place]) -> list[Place]:
    """Each place once, as it was found most surely."""
    found: dict[tuple[str, int, int, str], Place] = {}
    for one in sorted(places, key=lambda one: one.certainty != "exact"):
        found.setdefault((one.path, one.start_line, one.end_line, one.symbol), one)
    return list(found.values())


def _uses(links: Iterable[Links]) -> Counter[str]:
    """How often names, by their last part, are called, imported or inherited from."""
    found: Counter[str] = Counter()
    for one in links:
        found.update(call.name.rpartition(".")[2] for call in one.calls)
        found.update(name.rpartition(".")[2] for _, name in one.bases)
        for imported in one.imports:
            found.update(imported.names)
    return found
