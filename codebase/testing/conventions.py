"""Which files are tests, and which file a test is named after, by the habits of each language. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath

_FOLDERS = frozenset(
    {"test", "tests", "testing", "testsuite", "unittests", "spec", "specs", "__tests__", "e2e", "integration", "it"}
)
_CAMEL = r"(?:\w*[a-z0-9])?(?:Test|Tests|TestCase|IT|Spec|Should)"
_NAMED = re.compile(
    r"test_.*\.(?:py|rb|php|c|cc|cpp|cxx|rs|js|ts|lua)|.*_(?:test|tests)\.(?:py|go|rs|c|cc|cpp|cxx|rb|php|js|ts|ex|exs)|"
    r"tests?\.(?:py|rs|js|ts|jsx|tsx)|.*[._-](?:test|tests|spec|cy|e2e)\.[cm]?[jt]sx?|.*_spec\.rb|"
    rf"{_CAMEL}\.(?:java|kt|kts|scala|groovy|cs|fs|php|swift)|Test[A-Z]\w*\.(?:java|kt|cs|php|cpp|cc)|.*-test\.(?:js|ts)",
    re.DOTALL,
)
# In a folder of tests these languages have a test in every file that is none of its own helpers.
_ANY_NAME = frozenset({".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", ".mts", ".cts", ".rs", ".c", ".cc", ".cpp", ".rb"})
_HELPERS = re.compile(
    r"(?:conftest|__init__|setup|setup[_-]?tests?|utils?|helpers?|common|mod|main|fixtures?|mocks?|support|base|"
    r"(?:test|spec)[_-]?(?:utils?|helpers?|setup|helper|support)|rails_helper|jest\.config|vitest\.config)"
)
_AFFIX = re.compile(r"^(?:tests?|it|spec)[_-]|[._-](?:tests?|spec|specs|e2e|cy|it|should)$|-test$", re.IGNORECASE)
_CAMEL_AFFIX = re.compile(r"^Test(?=[A-Z])|(?<=[a-z0-9])(?:TestCase|Tests|Test|IT|Spec|Should)$")
_PACKAGES = frozenset({"__init__", "index", "mod", "lib", "main"})
_ROOTS = frozenset({"src", "lib", "main", "java", "kotlin", "scala", "python", "app", "pkg", "packages", "internal"})


def is_test(path: str) -> bool:
    """Whether a file has tests in it, by its name and its folders; what only helps tests is none."""
    pure = PurePosixPath(path)
    stem = pure.name.split(".")[0]
    if _NAMED.fullmatch(pure.name):
        # In a script's language test_utils is a helper; in Python it tests utils.
        return pure.suffix not in _ANY_NAME or not _HELPERS.fullmatch(stem.lower())
    if pure.suffix not in _ANY_NAME or not _FOLDERS.intersection(part.lower() for part in pure.parts[:-1]):
        return False
    return not _HELPERS.fullmatch(stem.lower())


def is_support(path: str) -> bool:
    """Whether a file only helps tests: it lies among them and is none."""
    parts = PurePosixPath(path).parts
    return not is_test(path) and any(part.lower() in _FOLDERS for part in parts[:-1])


@lru_cache(maxsize=1 << 15)
def subject(path: str) -> str:
    """What a file is about, in lower case without joints: `cart` for tests/test_cart.py, CartTest.java and cart.ts.

    A package's own file (`__init__.py`, `index.ts`, `mod.rs`) is about its folder.
    """
    pure = PurePosixPath(path)
    stem = _CAMEL_AFFIX.sub("", _AFFIX.sub("", pure.name.removesuffix(pure.suffix)))
    if stem in _PACKAGES and len(pure.parts) > 1:
        stem = pure.parts[-2]
    return re.sub(r"[\W_]+", "", stem).lower()


def likeness(test: str, path: str) -> float:
    """How much a test is by its name the test of a file, 0 to 1; folders in common decide among several."""
    own, of = subject(test), subject(path)
    if not own or not of:
        return 0.0
    if own == of:
        alike = 0.7
    elif len(of) > 3 and (own.startswith(of) or own.endswith(of)):
        alike = 0.4
    elif len(own) > 3 and (of.startswith(own) or of.endswith(own)):
        alike = 0.3
    else:
        # A test of a whole package: tests/test_plot.py for src/pkg/plot/axes.py.
        alike = 0.3 if own in _folders(path)[1:] and own not in _ROOTS else 0.0
    return alike + 0.3 * _near(test, path) if alike else 0.0


def _near(test: str, path: str) -> float:
    """The share of the file's folders that the test's path has too; folders of tests and of sources do not count."""
    mine, theirs = set(_folders(test)), _folders(path)
    named = [part for part in theirs if part not in _ROOTS and part not in _FOLDERS]
    return sum(part in mine for part in named) / len(named) if named else float(not mine - _FOLDERS)


@lru_cache(maxsize=1 << 15)
def _folders(path: str) -> tuple[str, ...]:
    return tuple(re.sub(r"[\W_]+", "", part).lower() for part in PurePosixPath(path).parts[:-1])
