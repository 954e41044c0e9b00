"""Configuration files that show a check exists, whoever runs it: linters, type checkers, documentation, update bots."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from codebase import yaml_nodes as nodes
from codebase.purposes import Purpose
from codebase.readiness.assessment import Sign
from codebase.source import Evidence, Source, line_of
from codebase.tasks.task import NOT_OURS

_PY = frozenset({"Python"})
_JS = frozenset({"JavaScript", "TypeScript"})
# Purpose, tool, languages, names of its files, a table of pyproject.toml or a section of setup.cfg and tox.ini.
_FILES: tuple[tuple[Purpose, str, frozenset[str], tuple[str, ...], str], ...] = (
    ("lint", "ruff", _PY, ("ruff.toml", ".ruff.toml"), "ruff"),
    ("lint", "flake8", _PY, (".flake8",), "flake8"),
    ("lint", "pylint", _PY, (".pylintrc", "pylintrc", "pylintrc.toml"), "pylint"),
    ("format", "black", _PY, (), "black"),
    ("format", "isort", _PY, (".isort.cfg",), "isort"),
    ("format", "yapf", _PY, (".style.yapf",), "yapf"),
    ("types", "mypy", _PY, ("mypy.ini", ".mypy.ini"), "mypy"),
    ("types", "pyright", _PY, ("pyrightconfig.json",), "pyright"),
    ("types", "basedpyright", _PY, (), "basedpyright"),
    ("types", "ty", _PY, ("ty.toml",), "ty"),
    ("types", "pyre", _PY, (".pyre_configuration",), ""),
    ("lint", "eslint", _JS, ("eslint.config.*", ".eslintrc", ".eslintrc.*"), ""),
    ("lint", "biome", _JS, ("biome.json", "biome.jsonc"), ""),
    ("lint", "oxlint", _JS, (".oxlintrc.json",), ""),
    ("format", "prettier", _JS, (".prettierrc", ".prettierrc.*", "prettier.config.*"), ""),
    ("format", "oxfmt", _JS, (".oxfmtrc.json", ".oxfmtrc.jsonc"), ""),
    ("types", "TypeScript", _JS, ("tsconfig.json",), ""),
    ("types", "flow", _JS, (".flowconfig",), ""),
    ("lint", "golangci-lint", frozenset({"Go"}), (".golangci.*",), ""),
    ("lint", "clippy", frozenset({"Rust"}), ("clippy.toml", ".clippy.toml"), ""),
    ("format", "rustfmt", frozenset({"Rust"}), ("rustfmt.toml", ".rustfmt.toml"), ""),
    ("lint", "checkstyle", frozenset({"Java"}), ("checkstyle.xml", "*checkstyle*.xml"), ""),
    ("lint", "detekt", frozenset({"Kotlin"}), ("detekt.yml", "detekt-config.yml"), ""),
    ("format", "scalafmt", frozenset({"Scala"}), (".scalafmt.conf",), ""),
    ("lint", "rubocop", frozenset({"Ruby"}), (".rubocop.yml",), ""),
    ("lint", "standard", frozenset({"Ruby"}), (".standard.yml",), ""),
    ("types", "sorbet", frozenset({"Ruby"}), ("sorbet/config",), ""),
    ("types", "steep", frozenset({"Ruby"}), ("Steepfile",), ""),
    ("format", "php-cs-fixer", frozenset({"PHP"}), (".php-cs-fixer*.php", ".php_cs*"), ""),
    ("lint", "phpcs", frozenset({"PHP"}), ("phpcs.xml*", ".phpcs.xml*"), ""),
    ("format", "pint", frozenset({"PHP"}), ("pint.json",), ""),
    ("types", "phpstan", frozenset({"PHP"}), ("phpstan.neon*", "phpstan.dist.neon"), ""),
    ("types", "psalm", frozenset({"PHP"}), ("psalm.xml*",), ""),
    ("lint", "StyleCop", frozenset({"C#"}), ("stylecop.json", "*.ruleset"), ""),
    ("lint", "clang-tidy", frozenset({"C", "C++"}), (".clang-tidy",), ""),
    ("format", "clang-format", frozenset({"C", "C++"}), (".clang-format",), ""),
    ("lint", "credo", frozenset({"Elixir"}), (".credo.exs",), ""),
    ("format", "mix format", frozenset({"Elixir"}), (".formatter.exs",), ""),
    ("lint", "swiftlint", frozenset({"Swift"}), (".swiftlint.yml",), ""),
    ("docs", "Sphinx", frozenset(), ("docs/conf.py", "doc/conf.py", "docs/source/conf.py", "doc/source/conf.py"), ""),
    ("docs", "MkDocs", frozenset(), ("mkdocs.yml", "mkdocs.yaml", "docs/mkdocs/mkdocs.yml"), ""),
    ("docs", "Docusaurus", frozenset(), ("docusaurus.config.*", "website/docusaurus.config.*"), ""),
    ("docs", "VitePress", frozenset(), ("docs/.vitepress/config.*",), ""),
    ("docs", "Read the Docs", frozenset(), (".readthedocs.yml", ".readthedocs.yaml"), ""),
    ("docs", "mdBook", frozenset(), ("book.toml", "guide/book.toml", "docs/book.toml"), ""),
    ("docs", "Doxygen", frozenset(), ("Doxyfile", "docs/Doxyfile", "doc/Doxyfile"), ""),
    ("docs", "YARD", frozenset({"Ruby"}), (".yardopts",), ""),
    ("docs", "TypeDoc", _JS, ("typedoc.json",), ""),
)  # fmt: skip


def configured(source: Source, purposes: frozenset[Purpose], languages: frozenset[str]) -> list[Sign]:
    """Signs that a tool for one of the purposes is set up, for these languages, at the root or in a workspace."""
    found: list[Sign] = []
    tables = _tables(source)
    for purpose, tool, speaks, names, table in _FILES:
        if purpose not in purposes or (speaks and not speaks & languages):
            continue
        where = next((_place(source, name) for name in names if _place(source, name)), None) or tables.get(table)
        if where is not None:
            unknown = ", and nothing here says whether it builds pull requests" if tool == "Read the Docs" else ""
            found.append(Sign(f"{tool} is set up{unknown}", where))
    if "lint" in purposes or "format" in purposes:
        found += _package_keys(source, languages)
    return found


def _place(source: Source, name: str) -> Evidence | None:
    """The outermost file of that name or pattern, other people's folders and templates left out."""
    folder, slash, last = name.rpartition("/")
    names = fnmatch.filter(source.by_name, last) if "*" in last else [last]
    exact = [path for one in names for path in source.by_name.get(one, [])]
    exact = [path for path in exact if not slash or path.rpartition("/")[0] == folder]
    apart = NOT_OURS | {"examples", "example", "fixtures", "playground", "tests", "test", "__tests__", "samples"}
    ours = [path for path in exact if not apart & set(path.split("/")[:-1]) and path.count("/") <= 2]
    ours = [path for path in ours if "template" not in path.rpartition("/")[0]]
    return Evidence(min(ours, key=lambda path: (path.count("/"), path)), 1) if ours else None


def _tables(source: Source) -> dict[str, Evidence]:
    """Tools with a table in pyproject.toml, or a section in setup.cfg or tox.ini."""
    found: dict[str, Evidence] = {}
    tool = source.toml("pyproject.toml").get("tool")
    text = source.text("pyproject.toml") or ""
    for name in tool if isinstance(tool, dict) else ():
        found[name] = Evidence("pyproject.toml", line_of(text, f"[tool.{name}"))
    for path in ("setup.cfg", "tox.ini"):
        for section in source.ini(path).sections():
            found.setdefault(
                section.partition(":")[0], Evidence(path, line_of(source.text(path) or "", f"[{section}]"))
            )
    return found


def _package_keys(source: Source, languages: frozenset[str]) -> Iterator[Sign]:
    package = source.json("package.json") if languages & _JS else None
    text = source.text("package.json") or ""
    for key, tool in (("eslintConfig", "eslint"), ("prettier", "prettier"), ("xo", "xo"), ("standard", "standard")):
        if isinstance(package, dict) and key in package:
            yield Sign(f"{tool} is set up", Evidence("package.json", line_of(text, f'"{key}"')))


_ECOSYSTEMS: dict[str, frozenset[str]] = {
    "pip": _PY, "uv": _PY, "poetry": _PY, "npm": _JS, "yarn": _JS, "pnpm": _JS, "bun": _JS, "gomod": frozenset({"Go"}),
    "cargo": frozenset({"Rust"}), "maven": frozenset({"Java", "Kotlin", "Scala"}),
    "gradle": frozenset({"Java", "Kotlin", "Scala"}), "bundler": frozenset({"Ruby"}), "composer": frozenset({"PHP"}),
    "nuget": frozenset({"C#"}), "mix": frozenset({"Elixir"}), "swift": frozenset({"Swift"}),
}  # fmt: skip


def update_bots(source: Source, languages: frozenset[str]) -> Iterator[Sign]:
    """Dependabot for these languages' packages, and Renovate, which finds all packages by itself."""
    for path in (".github/dependabot.yml", ".github/dependabot.yaml"):
        root = source.yaml(path) if path in source else None
        for item in nodes.items(nodes.get(root, "updates")):
            name = nodes.get(item, "package-ecosystem")
            if _ECOSYSTEMS.get(nodes.scalar(name), frozenset()) & languages and name is not None:
                yield Sign(f"Dependabot proposes updates ({nodes.scalar(name)})", Evidence(path, nodes.line(name)))
    names = ("renovate.json", "renovate.json5", ".renovaterc", ".renovaterc.json", ".github/renovate.json")
    for path in (*names, ".github/renovate.json5", ".gitlab/renovate.json"):
        if path in source:
            yield Sign("Renovate proposes updates", Evidence(path, 1))


def bound_plugins(source: Source) -> Iterator[tuple[str, Purpose, Evidence]]:
    """Checks that Maven or Gradle build files bind to the build itself: name, purpose and line."""
    for path in source.paths:
        name = path.rpartition("/")[2]
        if path.count("/") > 1 or name not in ("pom.xml", "build.gradle", "build.gradle.kts"):
            continue
        text = source.text(path) or ""
        if name == "pom.xml":
            active = re.sub(r"<pluginManagement>.*?</pluginManagement>", _blank, text, flags=re.S)
            for plugin in re.finditer(r"<plugin>.*?</plugin>", active, re.S):
                artifact = re.search(r"<artifactId>([\w.-]+)</artifactId>", plugin[0])
                if artifact is None or artifact[1] not in _MAVEN:
                    continue
                # Its execution may stand in pluginManagement, whose goals are bound wherever the plugin is named.
                goals = set(re.findall(r"<goal>([\w-]+)</goal>", _managed(text, artifact[1]) + plugin[0]))
                if goals & {"check", "validate", "verify", "integration-test"}:
                    line = text.count("\n", 0, plugin.start() + artifact.start()) + 1
                    yield artifact[1], _MAVEN[artifact[1]], Evidence(path, line)
        else:
            for match in _GRADLE.finditer(text):
                formats = any(word in match[1] for word in ("spotless", "ktlint", "javaformat"))
                yield match[1], "format" if formats else "lint", Evidence(path, text.count("\n", 0, match.start()) + 1)


_GRADLE = re.compile(
    r"""id\s*\(?\s*['"](com\.diffplug\.spotless|checkstyle|pmd|io\.gitlab\.arturbosch\.detekt|io\.spring\.javaformat"""
    r"""|org\.jlleitschuh\.gradle\.ktlint|com\.github\.spotbugs)['"]"""
)
_MAVEN: dict[str, Purpose] = {
    "maven-checkstyle-plugin": "lint", "maven-pmd-plugin": "lint", "spotbugs-maven-plugin": "lint",
    "spotless-maven-plugin": "format", "fmt-maven-plugin": "format", "formatter-maven-plugin": "format",
    "spring-javaformat-maven-plugin": "format", "maven-failsafe-plugin": "integration",
}  # fmt: skip


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _managed(text: str, artifact: str) -> str:
    """What pluginManagement says of a plugin."""
    for block in re.findall(r"<pluginManagement>.*?</pluginManagement>", text, re.S):
        for plugin in re.findall(r"<plugin>.*?</plugin>", block, re.S):
            if f"<artifactId>{artifact}</artifactId>" in plugin:
                return str(plugin)
    return ""
