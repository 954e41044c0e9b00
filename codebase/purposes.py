"""What well-known programs are for: from a command's words to what it checks, builds or installs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Purpose = Literal["format", "lint", "types", "test", "integration", "build", "install", "docs", "dependencies"]

_PY = frozenset({"Python"})
_JS = frozenset({"JavaScript", "TypeScript"})
_TS = frozenset({"TypeScript"})
_GO = frozenset({"Go"})
_RUST = frozenset({"Rust"})
_JVM = frozenset({"Java", "Kotlin", "Scala"})
_C = frozenset({"C", "C++", "CUDA"})
_RUBY = frozenset({"Ruby"})
_PHP = frozenset({"PHP"})
_NET = frozenset({"C#", "F#"})
ANY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Use:
    """One purpose of a command. `languages`: what it speaks for, empty for all. `checks`: it fails where something is
    wrong; a formatter that only rewrites files does not."""

    purpose: Purpose
    tool: str
    languages: frozenset[str]
    checks: bool = True


@dataclass(frozen=True, slots=True)
class _Tool:
    """`names`: programs. `verbs`: one of them must be among the words (empty: none needed). `never`: none of them may
    be. `needs`: flags without which it only rewrites files."""

    names: str
    purposes: tuple[Purpose, ...]
    languages: frozenset[str] = ANY
    verbs: str = ""
    never: str = ""
    needs: str = ""


_HELP = "--version -V --help -h version help install-completion"
_TOOLS: tuple[_Tool, ...] = (
    # Python
    _Tool("ruff", ("lint",), _PY, verbs="check ."),
    _Tool("ruff", ("format",), _PY, verbs="format", needs="--check --diff"),
    _Tool("ruff-check", ("lint",), _PY),
    _Tool("ruff-format", ("format",), _PY, needs="--check --diff"),
    _Tool("flake8 pylint pyflakes pycodestyle prospector bandit pydocstyle wemake-python-styleguide", ("lint",), _PY),
    _Tool("black", ("format",), _PY, needs="--check --diff"),
    _Tool("isort", ("format",), _PY, needs="--check --check-only -c --diff"),
    _Tool("yapf autopep8", ("format",), _PY, needs="--diff -d --exit-code"),
    _Tool("mypy dmypy pyright basedpyright pytype pyre ty pyrefly", ("types",), _PY, never="install"),
    _Tool("pytest py.test unittest nose2 nosetests green ward behave", ("test",), _PY),
    _Tool("runtests.py runtests run_tests.py", ("test",), _PY),
    _Tool("manage.py", ("test",), _PY, verbs="test"),
    _Tool("build", ("build",), _PY),
    _Tool("uv hatch poetry pdm flit maturin", ("build",), _PY, verbs="build"),
    _Tool("setup.py", ("build",), _PY, verbs="bdist_wheel sdist build build_ext"),
    _Tool("cibuildwheel", ("build",), _PY),
    _Tool("pip pip3", ("install",), _PY, verbs="install"),
    _Tool("uv", ("install",), _PY, verbs="sync"),
    _Tool("uv", ("install",), _PY, verbs="pip"),
    _Tool("poetry pipenv pdm", ("install",), _PY, verbs="install sync"),
    _Tool("sphinx-build mkdocs mkdocs-material", ("docs",), never="serve gh-deploy"),
    _Tool("tox", ("install",), _PY),
    _Tool("pip-audit safety uv-lock", ("dependencies",), _PY),
    _Tool("uv poetry", ("dependencies",), _PY, verbs="lock check", never="-U --upgrade"),
    # JavaScript, TypeScript
    _Tool("eslint standard xo oxlint tslint jshint semistandard neostandard", ("lint",), _JS),
    _Tool("biome", ("lint", "format"), _JS, verbs="ci check lint"),
    _Tool("next ng vue-cli-service", ("lint",), _JS, verbs="lint"),
    _Tool("prettier oxfmt dprint", ("format",), _JS, needs="--check -c --list-different -l check"),
    _Tool("deno", ("lint",), _JS, verbs="lint"),
    _Tool("deno", ("format",), _JS, verbs="fmt", needs="--check"),
    _Tool("deno", ("types", "test"), _JS, verbs="test"),
    _Tool("deno", ("types",), _JS, verbs="check"),
    _Tool("tsc vue-tsc tsgo flow svelte-check attw", ("types",), _JS),
    _Tool("tsd dtslint", ("types",), _JS),
    _Tool("mocha jest vitest ava tap tape jasmine karma uvu qunit lab vitest-run", ("test",), _JS, never="bench"),
    _Tool("node", ("test",), _JS, verbs="--test"),
    _Tool("bun", ("test",), _JS, verbs="test"),
    _Tool("playwright", ("test", "integration"), verbs="test"),
    _Tool("cypress", ("test", "integration"), verbs="run"),
    _Tool("nightwatch wdio testcafe protractor detox", ("test", "integration")),
    _Tool("vite next nuxt astro ng webpack rollup esbuild parcel tsup tsdown rolldown swc babel unbuild microbundle",
          ("build",), _JS, never="test lint serve dev start --watch"),
    _Tool("tsc", ("build",), _TS, never="--noEmit"),
    _Tool("npm pnpm yarn bun", ("install",), _JS, verbs="install ci i"),
    _Tool("typedoc jsdoc documentation docusaurus vitepress", ("docs",), never="serve dev start"),
    _Tool("npm pnpm yarn", ("dependencies",), _JS, verbs="audit"),
    # Go
    _Tool("golangci-lint", ("lint",), _GO, verbs="run"),
    _Tool("staticcheck revive golint", ("lint",), _GO),
    _Tool("go", ("lint",), _GO, verbs="vet"),
    _Tool("gofmt gofumpt goimports", ("format",), _GO, needs="-l -d"),
    _Tool("go", ("test", "types"), _GO, verbs="test"),
    _Tool("gotestsum ginkgo", ("test", "types"), _GO),
    _Tool("go", ("build", "types"), _GO, verbs="build install"),
    _Tool("go", ("types",), _GO, verbs="vet"),
    _Tool("goreleaser", ("build", "types"), _GO, verbs="build release check"),
    _Tool("govulncheck", ("dependencies",), _GO),
    # Rust
    _Tool("cargo", ("lint", "types"), _RUST, verbs="clippy"),
    _Tool("cargo", ("format",), _RUST, verbs="fmt", needs="--check"),
    _Tool("rustfmt", ("format",), _RUST, needs="--check"),
    _Tool("cargo cross", ("test", "build", "types"), _RUST, verbs="test t nextest", never="--no-run"),
    _Tool("$CARGO ${CARGO} cargo-nextest", ("test", "build", "types"), _RUST, verbs="test nextest", never="--no-run"),
    _Tool("cargo cross $CARGO ${CARGO}", ("build", "types"), _RUST, verbs="build b"),
    _Tool("cargo cross $CARGO ${CARGO}", ("types",), _RUST, verbs="check c"),
    _Tool("cargo", ("docs",), _RUST, verbs="doc rustdoc"),
    _Tool("cargo", ("dependencies",), _RUST, verbs="audit deny vet outdated udeps machete"),
    _Tool("mdbook", ("docs",), verbs="build test"),
    # Java, Kotlin, Scala
    _Tool("mvn mvnw mvnd", ("test", "build", "types"), _JVM, verbs="test verify install package integration-test"),
    _Tool("mvn mvnw mvnd", ("build", "types"), _JVM, verbs="compile test-compile"),
    _Tool("gradle gradlew", ("build", "test", "types"), _JVM, verbs="build check test"),
    _Tool("gradle gradlew", ("build", "types"), _JVM, verbs="assemble classes compileJava compileKotlin jar"),
    _Tool("gradle gradlew", ("lint",), _JVM, verbs="checkstyleMain checkstyle pmdMain spotbugsMain detekt lint"),
    _Tool("gradle gradlew", ("format",), _JVM, verbs="ktlintCheck"),
    _Tool("gradle gradlew", ("format",), _JVM, verbs="spotlessCheck spotlessJavaCheck"),
    _Tool("mvn mvnw", ("lint",), _JVM, verbs="checkstyle:check pmd:check spotbugs:check"),
    _Tool("mvn mvnw", ("format",), _JVM, verbs="spotless:check formatter:validate fmt:check"),
    _Tool("mvn mvnw", ("format",), _JVM, verbs="spring-javaformat:validate"),
    _Tool("gradle gradlew", ("docs",), _JVM, verbs="javadoc dokka dokkaHtml"),
    _Tool("mvn mvnw mvnd", ("docs",), _JVM, verbs="javadoc:javadoc javadoc:jar site javadoc:aggregate"),
    _Tool("sbt", ("test", "build", "types"), _JVM, verbs="test +test"),
    _Tool("ktlint detekt scalafix", ("lint",), _JVM),
    _Tool("scalafmt google-java-format", ("format",), _JVM, needs="--check --test --list --dry-run"),
    _Tool("bazel bazelisk", ("test", "build"), ANY, verbs="test"),
    _Tool("bazel bazelisk", ("build",), ANY, verbs="build"),
    # C, C++
    _Tool("clang-format", ("format",), _C, needs="--dry-run -n --Werror -output-replacements-xml"),
    _Tool("clang-tidy cppcheck cpplint", ("lint",), _C),
    _Tool("cmake", ("build", "types"), _C, verbs="--build --workflow"),
    _Tool("ninja", ("build", "types"), _C),
    _Tool("meson", ("build", "types"), _C, verbs="compile"),
    _Tool("ctest", ("test",), _C),
    _Tool("meson ninja", ("test",), _C, verbs="test"),
    _Tool("gcc g++ clang clang++ cc", ("build", "types"), _C),
    _Tool("doxygen", ("docs",)),
    # Ruby
    _Tool("rubocop standardrb standard reek", ("lint", "format"), _RUBY),
    _Tool("rspec rake-test minitest cucumber", ("test",), _RUBY),
    _Tool("rake", ("test",), _RUBY, verbs="test spec"),
    _Tool("rails", ("test",), _RUBY, verbs="test test:all test:system"),
    _Tool("srb steep sorbet", ("types",), _RUBY),
    _Tool("bundle bundler", ("install",), _RUBY, verbs="install"),
    _Tool("gem", ("build",), _RUBY, verbs="build"),
    _Tool("rake", ("build",), _RUBY, verbs="build"),
    _Tool("bundler-audit bundle-audit", ("dependencies",), _RUBY),
    _Tool("yard yardoc rdoc", ("docs",), _RUBY, never="server"),
    # PHP
    _Tool("phpunit pest codecept atoum", ("test",), _PHP),
    _Tool("phpstan psalm phan", ("types",), _PHP),
    _Tool("phpcs parallel-lint phplint", ("lint",), _PHP),
    _Tool("php-cs-fixer", ("format",), _PHP, verbs="fix check", needs="--dry-run check"),
    _Tool("pint", ("format",), _PHP, needs="--test --dirty"),
    _Tool("composer", ("install",), _PHP, verbs="install update"),
    _Tool("composer", ("dependencies",), _PHP, verbs="audit"),
    # .NET
    _Tool("dotnet", ("test", "build", "types"), _NET, verbs="test", never="--no-build"),
    _Tool("dotnet", ("test",), _NET, verbs="test"),
    _Tool("dotnet msbuild", ("build", "types"), _NET, verbs="build publish pack"),
    _Tool("dotnet", ("install",), _NET, verbs="restore"),
    _Tool("dotnet", ("format",), _NET, verbs="format", needs="--verify-no-changes"),
    _Tool("docfx", ("docs",)),
    # Others
    _Tool("shellcheck", ("lint",), frozenset({"Shell"})),
    _Tool("swiftlint", ("lint",), frozenset({"Swift"})),
    _Tool("swift", ("test", "build", "types"), frozenset({"Swift"}), verbs="test"),
    _Tool("swift xcodebuild", ("build", "types"), frozenset({"Swift"}), verbs="build"),
    _Tool("mix", ("test", "build"), frozenset({"Elixir"}), verbs="test"),
    _Tool("mix", ("lint",), frozenset({"Elixir"}), verbs="credo"),
    _Tool("mix", ("format",), frozenset({"Elixir"}), verbs="format", needs="--check-formatted"),
    _Tool("mix", ("types",), frozenset({"Elixir"}), verbs="dialyzer"),
    _Tool("markdownlint markdownlint-cli2 mdl remark lychee linkchecker markdown-link-check vale", ("docs",)),
    _Tool("super-linter", ("lint",)),
    _Tool("dependency-review osv-scanner trivy snyk grype", ("dependencies",)),
)  # fmt: skip


def _index() -> dict[str, list[_Tool]]:
    found: dict[str, list[_Tool]] = {}
    for tool in _TOOLS:
        for name in tool.names.split():
            found.setdefault(name, []).append(tool)
    return found


_BY_NAME = _index()


def uses_of(words: tuple[str, ...], *, hook: bool = False) -> tuple[Use, ...]:
    """What a command is for, given as `codebase.shell.bare` leaves it. `hook`: it runs as a hook of a commit, where a
    formatter that changes a file counts as a failure. Empty for a program nobody put in the table. Pure."""
    if not words:
        return ()
    program = re.sub(r"(?<=.)==?[\d.].*\Z", "", words[0])
    rest = frozenset(words[1:])
    if rest & set(_HELP.split()) and len(words) <= 3:
        return ()
    found: dict[tuple[str, str], Use] = {}
    for tool in _BY_NAME.get(program, []):
        verbs = set(tool.verbs.split())
        if (verbs and not verbs & _verbs(words)) or set(tool.never.split()) & rest:
            continue
        if program == "go" and "install" in rest and any("@" in word for word in rest):
            continue  # somebody else's program
        needs = tool.needs.split()
        checks = (
            hook or not needs or any(word == flag or word.startswith(f"{flag}=") for word in rest for flag in needs)
        )
        for purpose in tool.purposes:
            if purpose == "test" and _skips_tests(words):
                continue
            found.setdefault((purpose, program), Use(purpose, _label(words), tool.languages, checks))
    if program == "cmake" and (target := _TARGET.search(" ".join(words[1:]))):
        purpose = "format" if "format" in target[1] else "lint"
        found[purpose, program] = Use(purpose, f"cmake target {target[0].split()[-1]}", _C)
    return tuple(found.values())


_TARGET = re.compile(r"(?<=--target )\S*(clang[-_]?tidy|cppcheck|cpplint|clang[-_]?format|clang[-_]?analyze)\S*", re.I)


def _skips_tests(words: tuple[str, ...]) -> bool:
    if any(re.match(r"-D(skipTests|maven\.test\.skip)(=true)?\Z", word) for word in words):
        return True
    return any(pair in (("-x", "test"), ("--exclude-task", "test")) for pair in pairwise(words))


_FIRST_ONLY = frozenset(
    {
        "npm",
        "pnpm",
        "yarn",
        "bun",
        "composer",
        "bundle",
        "bundler",
        "pip",
        "pip3",
        "uv",
        "poetry",
        "pipenv",
        "pdm",
        "gem",
    }
)


def _verbs(words: tuple[str, ...]) -> set[str]:
    """Words that may be a verb: whole, and without a Gradle project before them; where a program takes names of other
    programs too, the first alone."""
    if words[0] in _FIRST_ONLY:
        return set([word for word in words[1:] if not word.startswith("-")][:1])
    return set(words[1:]) | {word.rpartition(":")[2] for word in words[1:] if word.startswith(":")}


def _label(words: tuple[str, ...]) -> str:
    """A short name for people: the program with its verb."""
    verb = next((word for word in words[1:3] if re.fullmatch(r"[a-z][a-z:-]*", word)), "")
    known = any(verb in tool.verbs.split() for tool in _BY_NAME.get(words[0], []))
    return f"{words[0]} {verb}" if verb and known else words[0]
