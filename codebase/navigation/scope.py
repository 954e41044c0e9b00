"""What a name means where it stands, by the program's own rules as far as they can be read: the class around it, the
file, its imports, its package; where they lead nowhere, every definition of that name.

Of a variable or a field the class is known where it is declared with one or made from one; what a call gives back is
not inferred, and of `make().close()` only the name is known.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from codebase.index.ranking import TEST
from codebase.navigation.commit import Commit
from codebase.navigation.names import EXPLICIT, IMPLICIT_SELF, SELF, SUPER, family, parts_of
from codebase.navigation.place import Certainty

_DEEPEST = 8
_BUILT_IN = frozenset(
    ("str", "bytes", "int", "float", "bool", "list", "dict", "set", "tuple", "frozenset", "string", "number", "boolean",
     "String", "Array", "Map", "Set", "Promise", "Vec", "HashMap", "HashSet", "map", "error", "array", "double", "char")
)  # fmt: skip
_BY_FOLDER = frozenset({"Go", "Java", "C#", "PHP"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """The definitions a name may stand for. `outside`: it is imported from elsewhere, or local, and means none here."""

    places: Sequence[int] = ()
    certainty: Certainty = "by_name"
    scope: str = "by name"
    outside: bool = False


@dataclass(slots=True)
class Scope:
    """Resolves names in one commit."""

    commit: Commit
    _typed: dict[str, dict[tuple[str, str], list[str]]] = field(default_factory=dict)
    _members: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    _known: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _families: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def meaning(self, path: str, place: int, chain: str) -> Meaning:
        """What `chain` (`self.parse`, `mod.func`, `.close`) means in `place` of the file `path`."""
        parts = parts_of(chain)
        if chain.startswith("."):
            return self._on_a_value(path, parts[-1])
        head, rest = parts[0], parts[1:]
        around = self.commit.class_around(place)
        if head in SELF | SUPER and around is not None:
            return self._of_class(path, around, rest, above=head in SUPER)
        if self.commit.language(path) == "Rust" and head in ("crate", "self", "super"):
            return _exact(self._in_modules(path, "::".join(parts[:-1]), parts[-1]), "imports")
        return self._dotted(path, place, parts) if rest else self._bare(path, place, head)

    def in_import(self, path: str, chain: str) -> list[int]:
        """The definitions that a name within an import statement of `path` stands for."""
        parts = parts_of(chain)
        found: list[int] = []
        for imported, known, target in self.commit.imports(path):
            taken = dict(zip(imported.known, imported.names, strict=False)).get(known, "")
            module = parts_of(imported.module)
            if taken == parts[-1]:
                found += self._taken(target, taken, known, 0)
            elif not taken and module[: len(parts)] == parts:
                found += [one for one in self.commit.named.get(parts[-1], ()) if self.commit.corpus.path(one) == target]
        return list(dict.fromkeys(found))

    def member(self, place: int, name: str, depth: int = 0) -> list[int]:
        """A class's own definition of `name`, or else the nearest of its bases'."""
        if depth > _DEEPEST:
            return []
        key = (place, name)
        if key not in self._members:
            self._members[key] = []  # what inherits from itself has no more than it has
            self._members[key] = self.own(place, name) or next(
                (found for base in self.bases(place) if (found := self.member(base, name, depth + 1))), []
            )
        return self._members[key]

    def own(self, place: int, name: str) -> list[int]:
        """What a class itself defines as `name`, wherever the language lets it: in its lines, its file, its package."""
        path, owner = self.commit.corpus.path(place), parts_of(self.commit.corpus.name(place))
        wanted = ".".join((*owner, name))
        found = list(self.commit.qualified(path).get(wanted, ()))
        if not found and self.commit.language(path) in ("Go", "C#"):
            found = self._in_package(path, wanted)
        if not found and self.commit.language(path) in ("C", "C++"):
            found = [other for other in self._related(path, name) if self._is_called(other, (owner[-1], name))]
        return found

    def bases(self, place: int) -> list[int]:
        """The classes that a class names as its bases, as far as they are in this repository."""
        path = self.commit.corpus.path(place)
        found: list[int] = []
        for number, name in self.commit.links(path).bases:
            # One class may stand in several pieces: Rust's struct and its impls, C#'s partial classes.
            here = self.commit.place(path, number)
            if here == place or self.commit.corpus.name(here) == self.commit.corpus.name(place):
                meaning = self.meaning(path, self.commit.places(path)[0], name)
                found += [other for other in meaning.places if other != place and self.is_class(other)]
        return list(dict.fromkeys(found))

    def is_class(self, place: int) -> bool:
        return self.commit.corpus.kind(place) == "class"

    def _of_class(self, path: str, around: int, rest: Sequence[str], *, above: bool) -> Meaning:
        if not rest:
            return Meaning(outside=True) if above else _exact([around], "class")
        if len(rest) > 1:
            owners, foreign = self._fields([around], rest[:-1])
            return self._of_value(path, owners, foreign, rest[-1])
        own = [] if above else self.own(around, rest[0])
        if own:
            return _exact(own, "class")
        inherited = [found for base in self.bases(around) for found in self.member(base, rest[0])]
        scope = "super" if above else "base class"
        return _exact(inherited, scope) if inherited else self._on_a_value(path, rest[0])

    def _bare(self, path: str, place: int, name: str) -> Meaning:
        language = self.commit.language(path)
        around = self.commit.class_around(place) if language in IMPLICIT_SELF else None
        if around is not None and (found := self.member(around, name)):
            return _exact(found, "class")
        for prefix in self._around(path, place, language):
            if found := self.commit.qualified(path).get(f"{prefix}{name}", []):
                return _exact(found, "same file")
        imported = self._imported(path, name, 0)
        if imported:
            return _exact(imported, "imports")
        if found := self._in_package(path, name):
            return _exact(found, "same package")
        if language in EXPLICIT or self._is_foreign(path, name):
            return Meaning(outside=True)
        return self._by_name(path, name)

    def _around(self, path: str, place: int, language: str) -> Iterator[str]:
        """The beginnings of names that are seen without them: of what is around `place`, the innermost first."""
        if language not in EXPLICIT or language == "Rust":
            parts = parts_of(self.commit.corpus.name(place)) if self.commit.corpus.kind(place) != "file" else ()
            for length in range(len(parts), 0, -1):
                if language != "Rust" or parts[length - 1][:1].islower():
                    yield ".".join(parts[:length]) + "."
        yield ""

    def _dotted(self, path: str, place: int, parts: tuple[str, ...]) -> Meaning:
        classes, foreign = self._variable(path, place, parts[0])
        if classes or foreign:
            classes, foreign = self._fields(classes, parts[1:-1]) if classes else ([], True)
            return self._of_value(path, classes, foreign, parts[-1])
        for length in range(len(parts) - 1, 0, -1):
            known, rest = ".".join(parts[:length]), parts[length:]
            for base in self._imported(path, known, 0):
                found = self._inside(base, rest)
                if found:
                    return _exact(found, "imports")
            if self._is_foreign(path, known):
                return Meaning(outside=True)
        if self.commit.language(path) == "Python" and (found := self._in_packages(path, parts)):
            return _exact(found, "imports")
        owners = self._bare(path, place, parts[0])
        if owners.certainty == "exact":
            found = [one for owner in owners.places for one in self._inside(owner, parts[1:])]
            if found:
                return _exact(found, owners.scope)
        if self.commit.language(path) == "Rust" and (
            found := self._in_modules(path, "::".join(parts[:-1]), parts[-1])
            or (self._in_modules(path, "::".join(parts[:-2]), *parts[-2:]) if len(parts) > 2 else [])
        ):
            return _exact(found, "imports")
        named = [other for other in self._related(path, parts[-1]) if self._is_called(other, parts[-2:])]
        return Meaning(named, "by_name", "qualified name") if named else self._on_a_value(path, parts[-1])

    def _of_value(self, path: str, owners: Sequence[int], foreign: bool, name: str) -> Meaning:
        """What `name` is on a value of one of these classes; `foreign`: its class is of another repository."""
        found = [one for owner in owners for one in self.member(owner, name)]
        if found:
            return _exact(found, "type")
        return Meaning(outside=True) if foreign else self._on_a_value(path, name)

    def _variable(self, path: str, place: int, name: str) -> tuple[list[int], bool]:
        """The classes a variable is declared with or made from, in the function, its class or the file."""
        corpus = self.commit.corpus
        around = self.commit.class_around(place)
        own = corpus.name(place) if corpus.kind(place) != "file" else ""
        found = self._types(path).get((own, name)) or (self._types(path).get(("", name)) if own else None)
        if not found and around is not None and (name.startswith("@") or self.commit.language(path) in IMPLICIT_SELF):
            return self._fields([around], [name])
        return self._classes(path, place, found or ())

    def _fields(self, owners: Sequence[int], names: Sequence[str]) -> tuple[list[int], bool]:
        """The classes that fields of fields have, from these classes on."""
        foreign = False
        for name in names:
            following: list[int] = []
            for owner in owners:
                classes, outside = self._field(owner, name, 0)
                following += classes
                foreign = foreign or outside
            owners = list(dict.fromkeys(following))
        return list(owners), foreign and not owners

    def _field(self, owner: int, name: str, depth: int) -> tuple[list[int], bool]:
        path = self.commit.corpus.path(owner)
        found = self._types(path).get((self.commit.corpus.name(owner), f"self.{name}"))
        if found:
            return self._classes(path, owner, found)
        if depth < _DEEPEST:
            for base in self.bases(owner):
                classes, outside = self._field(base, name, depth + 1)
                if classes or outside:
                    return classes, outside
        return [], False

    def _classes(self, path: str, place: int, names: Sequence[str]) -> tuple[list[int], bool]:
        """The classes these names mean; and whether one of them is of another repository, and none of this."""
        meanings = [self._class_meant(path, place, name) for name in dict.fromkeys(names)]
        classes = [one for meaning in meanings for one in meaning.places if self.is_class(one)]
        return classes, not classes and any(meaning.outside for meaning in meanings)

    def _class_meant(self, path: str, place: int, name: str) -> Meaning:
        """What a type's name means. Only a built-in type is surely none of this repository's: where another's interface
        is declared, a class of this one may stand behind it."""
        parts = parts_of(name)
        if parts[0] in SELF:
            around = self.commit.class_around(place) if len(parts) == 1 else None
            return _exact([around], "class") if around is not None else Meaning()
        if name in _BUILT_IN:
            return Meaning(outside=True)
        meaning = self._bare(path, place, name) if len(parts) == 1 else self._imported_type(path, parts)
        return meaning if meaning.certainty == "exact" and not meaning.outside else Meaning()

    def _imported_type(self, path: str, parts: tuple[str, ...]) -> Meaning:
        """`pkg.Cart`: through what is imported as `pkg`."""
        found = [one for base in self._imported(path, parts[0], 0) for one in self._inside(base, parts[1:])]
        own = self.commit.qualified(path).get(".".join(parts), ())
        return _exact(found or list(own), "imports") if found or own else Meaning()

    def _types(self, path: str) -> dict[tuple[str, str], list[str]]:
        """By the name of the definition, and of a field's class, and its own: the classes a variable has."""
        if path not in self._typed:
            found: dict[tuple[str, str], list[str]] = {}
            for number, variable, name in self.commit.links(path).types:
                place = self.commit.place(path, number)
                around = self.commit.class_around(place) if variable.startswith("self.") else place
                if around is None:
                    continue
                kind = self.commit.corpus.kind(around)
                owner = self.commit.corpus.name(around) if kind != "file" else ""
                found.setdefault((owner, variable), []).append(name)
            self._typed[path] = found
        return self._typed[path]

    def _inside(self, owner: int, rest: Sequence[str]) -> list[int]:
        """What `rest` names within a module or a class."""
        path = self.commit.corpus.path(owner)
        if self.commit.corpus.kind(owner) == "file":
            found = self.commit.qualified(path).get(".".join(rest), [])
            if found:
                return list(found)
            return [
                one for other in self._imported(path, rest[0], 1)
                for one in (self._inside(other, rest[1:]) if rest[1:] else [other])
            ]  # fmt: skip
        if self.is_class(owner):
            if len(rest) == 1:
                constructs = rest[0] == "new" and self.commit.language(path) == "Ruby"
                return self.member(owner, rest[0]) or ([owner] if constructs else [])
            inner = ".".join((*parts_of(self.commit.corpus.name(owner)), *rest))
            return list(self.commit.qualified(path).get(inner, ()))
        return []

    def _imported(self, path: str, known: str, depth: int) -> list[int]:
        """The definitions, or the modules, that an import of `path` makes known by this name."""
        if depth > _DEEPEST:
            return []
        if depth == 0 and (path, known) in self._known:
            return self._known[path, known]
        found: list[int] = []
        for imported, name, target in self.commit.imports(path):
            places = self.commit.places(target)
            if not places:
                continue
            if name == known:
                taken = dict(zip(imported.known, imported.names, strict=False)).get(known, "")
                found += self._taken(target, taken or self._item(path, imported.module), known, depth)
            elif name in ("*", "."):
                found += self.commit.qualified(target).get(known, ())
                if not found and depth < 2:
                    found += self._imported(target, known, depth + 1)
        found = list(dict.fromkeys(found))
        if depth == 0:
            self._known[path, known] = found
        return found

    def _item(self, path: str, module: str) -> str:
        """What of an imported path may be a definition in the file it leads to: its last part, in some languages."""
        language = self.commit.language(path)
        separator = {"Rust": "::", "PHP": "\\", "Java": ".", "C#": "."}.get(language)
        return module.rpartition(separator)[2] if separator else "*"

    def _taken(self, target: str, name: str, known: str, depth: int) -> list[int]:
        """What `name`, taken from the file `target`, is there: a definition, the module itself, or a re-export."""
        module = self.commit.places(target)[0]
        if name == "*":
            return [module]
        if name == "default":
            return list(self.commit.qualified(target).get(known, ()) or (module,))
        found = list(self.commit.qualified(target).get(name, ()))
        if not found and self.commit.language(target) in ("Java", "PHP", "C#"):
            found = [one for one in self.commit.named.get(name, ()) if self.commit.corpus.path(one) == target]
        stem = target.rpartition(".")[0].removesuffix("/__init__").removesuffix("/mod")
        if found or posixpath.basename(stem) == name:
            return found or [module]
        return self._imported(target, name, depth + 1) or [module]

    def _in_packages(self, path: str, parts: tuple[str, ...]) -> list[int]:
        """`pkg.sub.f` and `pkg.f` after `import pkg` or `import pkg.other`: either binds `pkg`."""
        for imported in self.commit.links(path).imports:
            known = imported.known[0].split(".") if imported.known and not imported.names else []
            if known[:1] != [parts[0]]:
                continue
            whole = (*imported.module.split("."), *parts[1:]) if len(known) == 1 else parts
            for cut in range(len(whole) - 1, 0, -1):
                for target in self.commit.module(path, ".".join(whole[:cut]), ""):
                    if found := self._inside(self.commit.places(target)[0], whole[cut:]):
                        return found
        return []

    def _in_modules(self, path: str, module: str, *names: str) -> list[int]:
        """What Rust's path `module::name` leads to."""
        for target in self.commit.module(path, module, names[0]) or [path]:
            if found := self.commit.qualified(target).get(".".join(names), []):
                return list(found)
        return []

    def _is_foreign(self, path: str, known: str) -> bool:
        """Whether an import makes this known here, and it is not of this repository."""
        if not any(known in imported.known for imported in self.commit.links(path).imports):
            return False
        return not any(name == known for _, name, _ in self.commit.imports(path))

    def _in_package(self, path: str, name: str) -> list[int]:
        if self.commit.language(path) not in _BY_FOLDER:
            return []
        folder = posixpath.dirname(path)
        return [
            other for other in self._related(path, parts_of(name)[-1])
            if posixpath.dirname(self.commit.corpus.path(other)) == folder
            and ".".join(parts_of(self.commit.corpus.name(other))) == name
        ]  # fmt: skip

    def _is_called(self, place: int, parts: Sequence[str]) -> bool:
        return parts_of(self.commit.corpus.name(place))[-len(parts) :] == tuple(parts)

    def _related(self, path: str, name: str) -> list[int]:
        """Definitions of a name in languages that this file's can call."""
        wanted = family(self.commit.language(path))
        if (wanted, name) not in self._families:
            self._families[wanted, name] = [
                other for other in self.commit.named.get(name, ())
                if family(self.commit.language(self.commit.corpus.path(other))) == wanted
            ]  # fmt: skip
        return self._families[wanted, name]

    def _by_name(self, path: str, name: str) -> Meaning:
        found = self._related(path, name)
        # What is no test does not call what only tests define.
        if not TEST.search(path):
            found = [one for one in found if not TEST.search(self.commit.corpus.path(one))] or found
        return Meaning(found)

    def _on_a_value(self, path: str, name: str) -> Meaning:
        """What is called on a value is a member of something; a module's function only where modules are values."""
        meaning = self._by_name(path, name)
        if self.commit.language(path) not in ("Python", "Go", "Rust"):
            return meaning
        members = [one for one in meaning.places if len(parts_of(self.commit.corpus.name(one))) > 1]
        return Meaning(members)


def _exact(places: Sequence[int], scope: str) -> Meaning:
    return Meaning(list(dict.fromkeys(places)), "exact", scope) if places else Meaning(outside=True)
