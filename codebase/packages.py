"""Package managers: what a repository depends on, who installs it, and whether versions are written down."""

from __future__ import annotations

from dataclasses import dataclass

from codebase.source import Evidence, Source
from codebase.tasks.task import files_named


@dataclass(frozen=True, slots=True)
class PackageManager:
    """`manifest` names the dependencies, `lock` holds their exact versions (None: nothing does)."""

    name: str
    language: str
    manifest: Evidence
    lock: Evidence | None


_ASIDE = frozenset({"docs", "doc", "examples", "example", "test", "tests", "fixtures", "benchmarks", "benches", "fuzz"})

# Language; manifests, the most telling first; lock file -> the manager that writes it; the manager without a lock file.
_KINDS: tuple[tuple[str, tuple[str, ...], dict[str, str], str], ...] = (
    (
        "Python",
        ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "requirements.txt", "environment.yml"),
        {"uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv", "pylock.toml": "pip",
         "pixi.lock": "pixi", "conda-lock.yml": "conda"},
        "pip",
    ),
    (
        "JavaScript",
        ("package.json", "deno.json", "deno.jsonc"),
        {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun",
         "package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "deno.lock": "deno"},
        "npm",
    ),
    ("Go", ("go.mod",), {"go.sum": "go"}, "go"),
    ("Rust", ("Cargo.toml",), {"Cargo.lock": "cargo"}, "cargo"),
    ("Java", ("pom.xml",), {}, "maven"),
    (
        "Java",
        ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"),
        {"gradle.lockfile": "gradle", "buildscript-gradle.lockfile": "gradle"},
        "gradle",
    ),
    ("Scala", ("build.sbt",), {}, "sbt"),
    ("Ruby", ("Gemfile", "gems.rb"), {"Gemfile.lock": "bundler", "gems.locked": "bundler"}, "bundler"),
    ("PHP", ("composer.json",), {"composer.lock": "composer"}, "composer"),
    ("C#", ("Directory.Packages.props", "packages.config"), {"packages.lock.json": "nuget"}, "nuget"),
    ("C++", ("vcpkg.json", "conanfile.txt", "conanfile.py"), {"vcpkg-configuration.json": "vcpkg",
                                                              "conan.lock": "conan"}, "conan"),
    ("Elixir", ("mix.exs",), {"mix.lock": "mix"}, "mix"),
    ("Swift", ("Package.swift",), {"Package.resolved": "swift"}, "swift"),
    ("Dart", ("pubspec.yaml",), {"pubspec.lock": "pub"}, "pub"),
)  # fmt: skip


def find_package_managers(source: Source) -> tuple[PackageManager, ...]:
    """One for each manager, by its outermost manifest; a lock file counts beside the manifest or at the root."""
    found: list[PackageManager] = []
    for language, manifests, locks, default in _KINDS:
        files = [one for one in files_named(source, *manifests) if not _ASIDE & set(one[1].split("/"))]
        if language == "C#" and not files:
            projects = sorted((path for path in source.paths if path.endswith(".csproj")), key=lambda p: p.count("/"))
            files = [(path, path.rpartition("/")[0]) for path in projects[:1]]
        if not files:
            continue
        outermost = min(folder.count("/") + bool(folder) for _, folder in files)
        files = [one for one in files if one[1].count("/") + bool(one[1]) == outermost]
        manifest, folder = min(files, key=lambda one: _rank(one[0], manifests))
        lock = next(
            (path for place in dict.fromkeys((folder, "")) for name in locks
             if (path := f"{place}/{name}".lstrip("/")) in source), None,
        )  # fmt: skip
        name = locks[lock.rpartition("/")[2]] if lock else _named(source, manifest, default)
        found.append(PackageManager(name, language, Evidence(manifest, 1), Evidence(lock, 1) if lock else None))
    return tuple(found)


def _rank(path: str, manifests: tuple[str, ...]) -> tuple[int, str]:
    name = path.rpartition("/")[2]
    return (manifests.index(name) if name in manifests else len(manifests), path)


def _named(source: Source, manifest: str, default: str) -> str:
    """The manager a manifest itself names: npm's `packageManager`, a table of pyproject.toml."""
    if manifest.endswith("package.json"):
        package = source.json(manifest)
        named = package.get("packageManager") if isinstance(package, dict) else None
        return named.partition("@")[0] if isinstance(named, str) and named.partition("@")[0] else default
    if manifest.endswith("pyproject.toml"):
        tool = source.toml(manifest).get("tool")
        return next(
            (one for one in ("poetry", "pdm", "uv", "hatch") if isinstance(tool, dict) and one in tool), default
        )
    return {"Pipfile": "pipenv", "environment.yml": "conda", "vcpkg.json": "vcpkg"}.get(manifest, default)
