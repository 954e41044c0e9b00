"""Judgements of what is run: unit tests, integration tests, the build, dependencies."""

from __future__ import annotations

import re
from itertools import islice

from codebase.packages import PackageManager
from codebase.purposes import Use
from codebase.readiness.assessment import Assessment, Sign, State
from codebase.readiness.code import product_files, whole_program_signs
from codebase.readiness.configuration import bound_plugins, update_bots
from codebase.readiness.ground import Ground, idle, installs_the_project, ran
from codebase.running import Run
from codebase.source import Evidence

_INTEGRATION = re.compile(
    r"(^|[/_.-])(integration|integrationtests?|e2e|end_to_end|end-to-end|acceptance|functional|system|smoke)([/_.-]|tests?\b|$)"
    r"|(^|/)tests?/cmake_|(^|/)[^/]*(IT|IntegrationTests?|E2ETests?|FunctionalTests?)\.\w+$|\.e2e\.|\.cy\.\w+$",
)


def unit_tests(ground: Ground) -> Assessment:
    """Tests and who runs them."""
    runs = ground.uses("test")
    files = ground.tests
    there = (
        [Sign(f"{len(files)} test files" if len(files) > 1 else "a test file", Evidence(files[0], 1))] if files else []
    )
    if runs:
        return Assessment("unit tests", "enforced", (*ran(runs), *there), ())
    commands = [Sign(f"`{one.command}` is there to run", one.where) for one in ground.facts.test_commands]
    if ground.language == "Rust" and not there:
        inside = (path for path in product_files(ground.source.paths, ground.languages) if _beside(ground, path))
        there = [Sign("tests beside the code", Evidence(path, 1)) for path in islice(inside, 1)]
    if there:
        return Assessment("unit tests", "present", (*there, *commands[:2], *idle(ground, "test")), ())
    others = [Sign("tests in another language", Evidence(path, 1)) for path in ground.other_tests[:1]]
    partly = [*ran(ground.uses("test", anyone=True)), *others, *(commands[:1] if ground.other_tests else [])]
    rust = [
        path for path in ground.source.paths if path.endswith(".rs") and "#[cfg(test)]" in ground.source.glance(path)
    ][:1]
    if rust and ground.language == "Rust":
        return Assessment(
            "unit tests", "present", (Sign("tests beside the code", Evidence(rust[0], 1)), *commands[:1]), ()
        )
    return Assessment("unit tests", "partial" if partly else "missing", tuple(partly), ())


def _beside(ground: Ground, path: str) -> bool:
    return "#[cfg(test)]" in ground.source.glance(path)


def integration_tests(ground: Ground) -> Assessment:
    """Tests of the parts together: set apart by name, or by what they start."""
    named = [path for path in ground.tests + ground.other_tests if _INTEGRATION.search(path)]
    named += [path for path in ground.source.paths if re.match(r"tests?/cmake_[^/]+/CMakeLists\.txt\Z", path)]
    named += [path for path in ground.tests if ground.language == "Rust" and re.search(r"(^|/)tests/[^/]+\.rs\Z", path)]
    signs = [Sign("integration tests by their name", Evidence(path, 1)) for path in named[:2]]
    inside = whole_program_signs(ground.source, ground.languages) if ground.tests else []
    plugin = [
        Sign(f"`{name}` runs them in `mvn verify`", where)
        for name, purpose, where in bound_plugins(ground.source)
        if purpose == "integration"
    ]
    runs = _that_reach(ground, named or [sign.where.path for sign in inside], bool(plugin))
    signs += [*plugin, *inside[: 3 - len(signs)]] if len(signs) < 3 else []
    named_files = {path.rpartition("/")[2] for path in named if path.endswith((".sh", ".bash", ".ps1"))}
    scripts = [run for run in ground.facts.ci if run.counts and run.words[0] in named_files]
    if scripts:
        run = min(scripts, key=lambda run: len(run.trail))
        sign = Sign(f"CI runs `{run.text[:80]}`", run.trail[0], run.trail)
        return Assessment("integration tests", "enforced", (sign, *signs), ())
    own = ground.uses("integration", anyone=True)
    if own or (runs and (named or inside)):
        chosen = ran(own or runs, 2)
        note = "" if own or named else "not set apart from the other tests"
        return Assessment("integration tests", "enforced", (*chosen, *signs), (), note)
    if named:
        return Assessment("integration tests", "present", tuple(signs), ())
    if inside:
        return Assessment("integration tests", "partial", tuple(inside), (), "not set apart from the other tests")
    return Assessment("integration tests", "missing", (), ())


_NARROWING = frozenset(
    {
        "-m",
        "-k",
        "--ignore",
        "-t",
        "--testNamePattern",
        "--testPathPattern",
        "--lib",
        "--bins",
        "--bin",
        "--doc",
        "-run",
    }
    | {"--grep", "-short"}
)
_KEYS = re.compile(r"integration|e2e|end.to.end|acceptance|functional|system|smoke|browser")


def _that_reach(ground: Ground, paths: list[str], failsafe: bool) -> list[tuple[Run, Use]]:
    """Test runs of CI that run one of these files: by naming it, its folder or its kind, or by running all tests."""
    found: list[tuple[Run, Use]] = []
    exactly: list[tuple[Run, Use]] = []
    excluded = _excluded_by_default(ground)
    for run, use in ground.uses("test", anyone=True):
        words = run.words[1:]
        text = " ".join(run.words)
        by_name = any(_KEYS.search(str(place.path)) for place in run.trail[1:]) or bool(_KEYS.search(text))
        if by_name and not re.search(r"not\s+\w*(integration|e2e|slow)|(ignore|exclude|!)\S*(integration|e2e)", text):
            exactly.append((run, use))
            continue
        if excluded or _NARROWING & {word.partition("=")[0] for word in words}:
            continue
        if run.words[0] in ("mvn", "mvnw", "mvnd") and all(re.search(r"IT\.\w+\Z", path) for path in paths):
            if failsafe and {"verify", "install", "deploy"} & set(words):
                found.append((run, use))
            continue
        places = [word.rstrip("/").removeprefix("./") for word in words if _is_place(ground, word, run.folder)]
        start = run.folder if run.folder in ground.source.folders else ""
        below = [f"{start}/{place}".strip("/") if place != "." else start for place in places] or [start]
        if any(not place or path == place or path.startswith(f"{place}/") for place in below for path in paths):
            found.append((run, use))
    return exactly or found


def _is_place(ground: Ground, word: str, folder: str) -> bool:
    if word.startswith("-") or "=" in word or word.endswith("..."):
        return False
    path = f"{folder}/{word}".strip("/").removeprefix("./")
    return word == "." or path in ground.source or path in ground.source.folders


def _excluded_by_default(ground: Ground) -> bool:
    """Whether pytest's own configuration leaves integration tests out."""
    for path in ("pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini"):
        if re.search(r"addopts.*not\s+(integration|e2e|slow)", ground.source.text(path) or ""):
            return True
    return False


_BUILD_FILES = ("CMakeLists.txt", "meson.build", "configure.ac", "Makefile", "BUILD.bazel", "WORKSPACE", "MODULE.bazel")


def build(ground: Ground) -> Assessment:
    """From a clean checkout to something that runs: the build where there is one, else the installation."""
    builds = ground.uses("build")
    if builds:
        return Assessment("build", "enforced", ran(builds), ())
    steps = [command for command in ground.facts.commands if command.purpose == "build"]
    signs = [Sign(f"`{command.command}` is there to run", command.where) for command in steps]
    installs = [one for one in ground.uses("install") if installs_the_project(one[0])]
    managers = _managers(ground)
    if installs and not ground.compiled:
        if not signs:
            note = "nothing to compile: CI installs it from a clean checkout"
            return Assessment("build", "enforced", ran(installs), (), note)
        note = "CI installs it and does not run the build"
        return Assessment("build", "partial", (*ran(installs, 1), *signs[:2]), (), note)
    if not signs:
        signs = [Sign(f"{manager.name} knows how to install it", manager.manifest) for manager in managers]
    native = bool(ground.languages & {"C", "C++"})
    known = _BUILD_FILES if native else _BUILD_FILES[:3] + _BUILD_FILES[4:]  # makefiles hold all sorts of tasks
    for path in known:
        signs += [Sign("a build file", Evidence(path, 1))] if path in ground.source else []
    signs += idle(ground, "build")
    signs += [Sign("an image is built by it", Evidence("Dockerfile", 1))] if "Dockerfile" in ground.source else []
    return Assessment("build", "present" if signs else "missing", tuple(signs[:4]), ())


_FROZEN = re.compile(
    r"\bnpm (clean-install|ci)\b|--frozen-lockfile|--immutable\b|--require-hashes|--deploy\b|--locked(-mode)?\b"
    r"|--frozen\b|-mod=readonly|\bpipenv sync\b|\bpoetry (install|sync)\b|\bpdm sync\b"
)


def _managers(ground: Ground) -> list[PackageManager]:
    return [one for one in ground.facts.package_managers if one.language in ground.languages]


def dependencies(ground: Ground) -> Assessment:
    """Exact versions, and whether CI installs them or looks for known faults in them."""
    managers = _managers(ground)
    locks = [Sign(f"{one.name} writes exact versions down", one.lock) for one in managers if one.lock]
    checks = ran(ground.uses("dependencies"), 2)
    frozen = _frozen(ground, {one.name for one in managers if one.lock})
    bots = list(update_bots(ground.source, ground.languages))
    if checks or (locks and frozen):
        return Assessment("dependencies", "enforced", (*checks, *frozen[:1], *locks[:2], *bots[:1]), ())
    if locks:
        return Assessment("dependencies", "present", (*locks, *bots[:1]), ())
    named = [Sign(f"{one.name} is told what is needed", one.manifest) for one in managers]
    if named:
        note = (
            "updates are proposed, exact versions are not written down"
            if bots
            else "exact versions are not written down"
        )
        if ground.language in ("Java", "Kotlin", "Scala", "C#"):
            note = "versions stand in the manifest; those of indirect dependencies are not written down"
        refused = lock_refused(ground)
        on_purpose = [Sign(f"{refused[0]} is kept out on purpose", refused[1])] if refused else []
        return Assessment("dependencies", "present" if bots else "partial", (*named, *on_purpose, *bots[:1]), (), note)
    state: State = "partial" if bots else "missing"
    return Assessment("dependencies", state, tuple(bots), ())


_LOCK_NAMES = {
    "npm": "package-lock.json", "bundler": "Gemfile.lock", "composer": "composer.lock", "cargo": "Cargo.lock",
    "yarn": "yarn.lock", "pnpm": "pnpm-lock.yaml", "pip": "uv.lock", "uv": "uv.lock", "poetry": "poetry.lock",
}  # fmt: skip


def lock_refused(ground: Ground) -> tuple[str, Evidence] | None:
    """The lock file that the repository itself keeps out, and the line that does."""
    for manager in _managers(ground):
        lock = _LOCK_NAMES.get(manager.name, "")
        places = {".gitignore": rf"/?({re.escape(lock)}|\*\.lock)"} if lock else {}
        places |= {".npmrc": r"package-lock\s*=\s*false"} if manager.name == "npm" else {}
        for path, wanted in places.items():
            for number, line in enumerate(ground.source.glance(path).splitlines(), start=1):
                if re.fullmatch(wanted, line.strip()):
                    return lock, Evidence(path, number)
    return None


def _frozen(ground: Ground, managers: set[str]) -> list[Sign]:
    """Where CI installs exactly what the lock file says, and fails where it does not fit."""
    found: list[Sign] = []
    for run in ground.facts.ci:
        if not run.counts:
            continue
        text, words = run.text, run.words
        why = ""
        if _FROZEN.search(text) and managers:
            why = "installs what the lock file says"
        elif "go" in managers and words[:1] == ("go",) and words[1:2] in (("build",), ("test",), ("vet",)):
            why = "holds go.sum's checksums against what it fetches"
        elif (
            "pnpm" in managers
            and words[:2] in (("pnpm", "install"), ("pnpm", "i"))
            and "--no-frozen-lockfile" not in text
        ):
            why = "refuses, in CI, a lock file that does not fit (pnpm's rule)"
        elif "composer" in managers and words[:2] == ("composer", "install"):
            why = "installs what composer.lock says"
        elif "bundler" in managers and run.text == "ruby/setup-ruby":
            why = "installs what Gemfile.lock says"
        elif "yarn" in managers and words[:2] == ("yarn", "install") and ".yarnrc.yml" in ground.source:
            why = "refuses, in CI, a lock file that does not fit (Yarn's rule since 2)"
        if why:
            found.append(Sign(f"CI's `{' '.join(text.split())[:70]}` {why}", run.trail[0], run.trail))
    return sorted(found, key=lambda sign: len(sign.trail))
