"""What kind of file a path is, so that a reader sees at once whether a patch touched its own judges. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["product", "tests", "ci", "config", "docs"]
KINDS: tuple[Kind, ...] = ("product", "tests", "ci", "config", "docs")

_CI = re.compile(
    r"(?i)\.github/(workflows|actions)/|\.circleci/|\.gitlab-ci|\.ci/|\.buildkite/|azure-pipelines|\.travis\.yml\Z|"
    r"jenkinsfile\Z|\.drone\.yml\Z|bitbucket-pipelines|\.forgehand\.ya?ml\Z|\.pre-commit-config|codecov\.ya?ml|appveyor"
)
_TEST_FOLDERS = {"test", "tests", "testing", "spec", "specs", "__tests__", "__snapshots__", "testdata", "e2e"}
_TEST_NAME = re.compile(
    r"(test_.*|.*_tests?|tests?)\.(py|go|rs|c|cc|cpp|rb|php|ex|exs|lua)\Z|.*[._-](test|spec|e2e)\.[cm]?[jt]sx?\Z|"
    r".*(Test|Tests|IT|Spec)\.(java|kt|scala|cs|swift|php|groovy)\Z|.*_spec\.rb\Z|conftest\.py\Z|.*\.snap\Z"
)
_CONFIG_NAMES = {
    "pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini", "noxfile.py", "mypy.ini", "ruff.toml",
    ".coveragerc", "pipfile", "package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "tsconfig.json",
    "go.mod", "go.sum", "cargo.toml", "cargo.lock", "makefile", "gnumakefile", "cmakelists.txt", "dockerfile",
    "build.gradle", "build.gradle.kts", "settings.gradle", "pom.xml", "gemfile", "gemfile.lock", "composer.json",
    "composer.lock", "poetry.lock", "uv.lock", "justfile", "build.rs", "manifest.in", "sitecustomize.py",
    "usercustomize.py", ".gitattributes", ".gitignore", ".gitmodules", ".editorconfig", ".npmrc", "codeowners",
}  # fmt: skip
_CONFIG_NAME = re.compile(
    r"(?i)(jest|vitest|karma|babel|webpack|vite|rollup|eslint|playwright|cypress)\.config\.[cm]?[jt]s\Z|\.eslintrc.*|"
    r"requirements.*\.(txt|in)\Z|constraints.*\.txt\Z|.*\.pth\Z|docker-compose.*\.ya?ml\Z|\.babelrc\Z|.*\.(mk|cmake)\Z"
)
_DOC_SUFFIXES = {".md", ".rst", ".adoc", ".txt"}


def classify(path: str) -> Kind:
    """The kind of a tracked path. What decides results (CI, then tests, then configuration) goes before what it is."""
    pure = PurePosixPath(path)
    name = pure.name
    if _CI.match(path) or _CI.match(name):
        return "ci"
    if _TEST_NAME.match(name) or _TEST_FOLDERS.intersection(part.lower() for part in pure.parts[:-1]):
        return "tests"
    if name.lower() in _CONFIG_NAMES or _CONFIG_NAME.match(name):
        return "config"
    if pure.suffix.lower() in _DOC_SUFFIXES or "docs" in (part.lower() for part in pure.parts[:-1]):
        return "docs"
    return "product"
