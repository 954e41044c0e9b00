"""What a command of a CI file really runs, followed through the repository's own tasks and scripts."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace

from codebase.ci import CiStep
from codebase.shell import Simple, bare, simple_commands
from codebase.source import Evidence, Source
from codebase.tasks import Task

_DEEPEST = 8
_MOST = 4_000
_Tasks = Mapping[tuple[str, str, str], Task]
_NODE = frozenset({"npm", "yarn", "pnpm", "bun"})
_NODE_OWN = frozenset(
    {"install", "i", "ci", "add", "audit", "exec", "dlx", "config", "publish", "pack", "cache", "set", "init", "why"}
    | {"remove", "link", "version", "list", "ls", "info", "login", "dedupe", "import", "workspaces", "plugin", "x"}
)
_MONOREPO = frozenset({"turbo", "nx", "lerna"})
_MULTI = frozenset({"npm-run-all", "run-s", "run-p", "concurrently", "npm-run-all2", "wireit", "wsrun"})
_SHELLS = frozenset({"bash", "sh", "zsh", "pwsh", "powershell", "source", "."})


@dataclass(frozen=True, slots=True)
class Run:
    """A program CI starts. `words` without what only starts it; `trail`: the CI line, then each line that led on.

    `counts`: it runs for changes and its failure fails CI. `gates`: it runs as a hook, which also fails where it
    changes a file. `through`: the names of the tasks on the way. `text`: the command as it stands on the trail's end.
    """

    words: tuple[str, ...]
    text: str
    trail: tuple[Evidence, ...]
    folder: str = ""
    through: tuple[str, ...] = ()
    counts: bool = True
    gates: bool = False


def what_runs(source: Source, steps: tuple[CiStep, ...], tasks: _Tasks) -> tuple[Run, ...]:
    """Every program that CI starts, in order. Bounded: a repository whose tasks call each other in circles ends too."""
    follower = Follower(source, tasks)
    found: list[Run] = []
    for step in steps:
        counts = step.on_change and step.blocking
        script = step.script or action_as_command(step)
        if not script:
            continue
        called = step.action or ""
        block = "\n" in step.script.strip("\n")
        for run in follower.follow(script, step.where, step.folder, block=block, sets=step.sets):
            text = called if called and len(run.trail) == 1 else run.text
            found.append(replace(run, text=text, counts=counts and run.counts))
            if len(found) >= _MOST:
                return tuple(found)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _At:
    """Where a script is followed: how it was come by, in which folder, what its failure means, what is already open."""

    trail: tuple[Evidence, ...]
    folder: str
    through: tuple[str, ...] = ()
    counts: bool = True
    gates: bool = False
    seen: frozenset[object] = frozenset()


class Follower:
    """Follows shell text through tasks and scripts of one repository."""

    def __init__(self, source: Source, tasks: _Tasks) -> None:
        self._source, self._tasks = source, tasks
        self._sets: Container[str] = ()
        self._left = 0

    def follow(
        self, script: str, where: Evidence, folder: str, *, block: bool = True, sets: Container[str] = ()
    ) -> Iterator[Run]:
        """The programs a script starts, a bounded number; it begins at `where`, on several lines where `block`. `sets`:
        the environment variables that CI sets for it."""
        self._sets, self._left = sets, _MOST
        yield from self._script(script, _At((where,), folder), block)

    def _script(self, script: str, at: _At, block: bool) -> Iterator[Run]:
        here = at.folder
        for simple in simple_commands(script):
            last = at.trail[-1]
            line = Evidence(last.path, last.line + (simple.line if block else 0))
            if simple.words[0] in ("cd", "pushd") and len(simple.words) > 1:
                here = _joined(here, simple.words[1])
                continue
            counts = at.counts and not simple.forgiven
            yield from self._command(simple, replace(at, trail=(*at.trail[:-1], line), folder=here, counts=counts))

    def _command(self, simple: Simple, at: _At) -> Iterator[Run]:
        words = bare(simple.words)
        self._left -= 1
        if not words or self._left < 0:
            return
        yield Run(words, str(simple), at.trail, at.folder, at.through, at.counts, at.gates)
        if len(at.trail) > _DEEPEST:
            return
        if words[0] in _SHELLS and "-c" in words[:4] and words.index("-c") + 1 < len(words):
            yield from self._script(words[words.index("-c") + 1], at, False)
            return
        for task in self._called(simple.words, words, at.folder):
            key = (task.runner, task.folder, task.name)
            inside = replace(at, folder=task.folder, through=(*at.through, task.name), seen=at.seen | {key})
            for step in task.steps if key not in at.seen else ():
                yield from self._script(
                    step.command, replace(inside, trail=(*at.trail, step.where), gates=at.gates or step.gates), False
                )
        script = self._script_file(words, at.folder)
        if script and script not in at.seen:
            trail = (*at.trail, Evidence(script, 1))
            text = self._source.text(script) or ""
            yield from self._script(text, replace(at, trail=trail, folder="", seen=at.seen | {script}), True)

    def _called(self, written: tuple[str, ...], words: tuple[str, ...], folder: str) -> list[Task]:
        """The tasks a command starts."""
        program = words[0]
        if program in ("make", "gmake", "mingw32-make"):
            return self._make(words, folder)
        if program in _NODE | _MULTI | _MONOREPO:
            return self._node(words, folder)
        if program == "tox":
            return self._several("tox", _after(words, "-e", "--env", "-m"), "testenv")
        if program == "nox":
            return self._several("nox", _after(words, "-s", "--session", "--sessions", "-e"), "")
        if program in ("pre-commit", "prek") and "run" in words:
            names = [word for word in words[words.index("run") + 1 :] if ("pre-commit", "", word) in self._tasks]
            return self._named("pre-commit", "", names or [""])
        if program == "lefthook" and "run" in words:
            return self._named("lefthook", "", words[words.index("run") + 1 :])
        if program in ("just", "rake"):
            names = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
            return self._named(program, folder, names or [""])
        if program == "composer":
            names = [word for word in words[1:] if not word.startswith("-") and word not in ("run", "run-script")]
            return self._named("composer", folder, names[:1])
        if program in ("poe", "task"):
            return self._named(program, "", words[1:2])
        for runner in ("hatch", "pdm", "pixi"):
            if runner in written and (runner, "", program) in self._tasks:
                return self._named(runner, "", [program])
        return []

    def _named(self, runner: str, folder: str, names: list[str] | tuple[str, ...]) -> list[Task]:
        return [self._tasks[key] for name in names if (key := (runner, folder, name)) in self._tasks]

    def _make(self, words: tuple[str, ...], folder: str) -> list[Task]:
        for flag in ("-C", "--directory"):
            if flag in words[:-1]:
                folder = _joined(folder, words[words.index(flag) + 1])
                words = tuple(w for i, w in enumerate(words) if i not in (words.index(flag), words.index(flag) + 1))
        names = [word for word in words[1:] if not word.startswith("-") and "=" not in word and not word.isdigit()]
        return self._named("make", folder, names or [""])

    def _node(self, words: tuple[str, ...], folder: str) -> list[Task]:
        filters = _after(words, "--filter", "-F", "-w", "--workspace")
        everywhere = bool({"-r", "--recursive", "--workspaces", "-ws", "foreach"} & set(words)) or bool(filters)
        everywhere |= words[0] in _MONOREPO
        for flag in ("--prefix", "-C", "--cwd", "--dir"):
            if flag in words[:-1]:
                folder = _joined(folder, words[words.index(flag) + 1])
                words = tuple(w for i, w in enumerate(words) if i not in (words.index(flag), words.index(flag) + 1))
        names = [word for word in words[1 : words.index("--") if "--" in words else None] if word[:1] != "-"]
        names = [name for name in names if name not in filters]
        if words[0] in _MULTI:
            names = [re.sub(r"\A(npm|yarn|pnpm):", "", name) for name in names]
            mine = [key[2] for key in self._tasks if key[:2] == ("npm", folder)]
            return self._named("npm", folder, [one for name in names for one in mine if _fits(one, name)])
        explicit = bool({"run", "run-script", "test", "t", "start"} & set(words)) or words[0] in _MONOREPO
        names = [name for name in names if name not in ("run", "run-script", "workspaces", "run-many", "foreach")]
        names = names if words[0] in _MONOREPO else names[:1]
        names = ["test" if name == "t" else name for name in names]
        if not explicit and (words[0] in ("npm", "bun") or (names and names[0] in _NODE_OWN)):
            return []
        if not everywhere:
            return self._named("npm", folder, names)
        return [
            task
            for (runner, where, name), task in self._tasks.items()
            if runner == "npm" and name in names and (not filters or any(_selects(one, where) for one in filters))
        ]

    def _several(self, runner: str, names: list[str], base: str) -> list[Task]:
        """Environments of tox or sessions of nox; one that has no section of its own is the base environment."""
        if not names:
            # A variable says which of them run, and its value is often computed: the base environment at least.
            chosen = runner == "tox" and ("TOXENV" in self._sets or "TOX_ENV" in self._sets)
            return self._named(runner, "", [base if chosen else ""])
        found: list[Task] = []
        for name in names:
            exact = self._named(runner, "", [name, name.partition("(")[0].rpartition("-")[0] if "-" in name else name])
            found += exact[:1] or self._named(runner, "", [base])
        return found

    def _script_file(self, words: tuple[str, ...], folder: str) -> str | None:
        """The shell script in the repository that a command runs, None for any other program."""
        candidates = [word for word in words[1:3] if not word.startswith("-")] if words[0] in _SHELLS else []
        name = candidates[0] if candidates else None
        if name is None:
            # `bare` has cut the folder off the program's name: look for a file of that name with a shell's first line
            named = self._source.by_name
            paths = [*named.get(words[0], []), *named.get(f"{words[0]}.sh", [])]
            paths = [path for path in paths if path.count("/") <= 3]
            return paths[0] if len(paths) == 1 and self._is_shell(paths[0]) else None
        path = _joined(folder, name.replace("\\", "/"))
        return next((one for one in (path, name.removeprefix("./")) if one in self._source), None)

    def _is_shell(self, path: str) -> bool:
        if path.endswith((".sh", ".bash", ".ps1", ".cmd", ".bat")):
            return True
        if "." in path.rpartition("/")[2]:
            return False
        first = (self._source.text(path) or "").partition("\n")[0]
        return first.startswith("#!") and bool(re.search(r"\b(ba|z|da)?sh\b", first))


def _after(words: tuple[str, ...], *flags: str) -> list[str]:
    found: list[str] = []
    for index, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in flags and equals:
            found += value.split(",")
        elif word in flags and index + 1 < len(words):
            found += words[index + 1].split(",")
        elif word.startswith("-e") and "-e" in flags and len(word) > 2 and not word.startswith("--"):
            found += word[2:].split(",")
    return [name for name in found if name]


def _joined(folder: str, name: str) -> str:
    """A folder below another; the root for one that is not known before the run or lies outside."""
    if "$" in name or name.startswith(("/", "~")):
        return ""
    parts = folder.split("/") if folder else []
    for part in name.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _selects(pattern: str, folder: str) -> bool:
    """Whether a workspace filter means a package's folder: by its path, or by the package's name, which most often ends
    as its folder does."""
    pattern = pattern.strip("{}")
    if pattern.startswith("."):
        return _fits(folder, pattern.removeprefix("./").rstrip("/"))
    return bool(folder) and _fits(folder.rpartition("/")[2], pattern.rpartition("/")[2].strip(".^"))


def _fits(name: str, pattern: str) -> bool:
    expression = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.fullmatch(expression, name) is not None


_ACTIONS = {
    "pre-commit/action": "pre-commit run --all-files",
    "j178/prek-action": "prek run --all-files",
    "golangci/golangci-lint-action": "golangci-lint run",
    "psf/black": "black --check .",
    "astral-sh/ruff-action": "ruff check .",
    "chartboost/ruff-action": "ruff check .",
    "jakebailey/pyright-action": "pyright",
    "hynek/build-and-inspect-python-package": "python -m build",
    "actions/dependency-review-action": "dependency-review",
    "rustsec/audit-check": "cargo audit",
    "actions-rs/audit-check": "cargo audit",
    "embarkstudios/cargo-deny-action": "cargo deny check",
    "pypa/gh-action-pip-audit": "pip-audit",
    "google/osv-scanner-action": "osv-scanner",
    "golang/govulncheck-action": "govulncheck ./...",
    "cypress-io/github-action": "cypress run",
    "davidanson/markdownlint-cli2-action": "markdownlint-cli2",
    "nosborn/github-action-markdown-cli": "markdownlint",
    "lycheeverse/lychee-action": "lychee",
    "super-linter/super-linter": "super-linter",
    "github/super-linter": "super-linter",
    "oxsecurity/megalinter": "super-linter",
    "ramsey/composer-install": "composer install",
    "actions/jekyll-build-pages": "jekyll build",
    "standardrb/standard-ruby-action": "standardrb",
    "r0adkll/upload-google-play": "",
}
_AZURE = {"dotnetcorecli": "dotnet", "npm": "npm", "maven": "mvn", "gradle": "gradle", "yarn": "yarn", "go": "go"}


def action_as_command(step: CiStep) -> str:
    """The command a well-known ready-made step stands for, empty for another."""
    name = step.action.lower()
    known = next((name[: len(key)] for key in _ACTIONS if name == key or name.startswith(f"{key}/")), None)
    if known:
        command = _ACTIONS[known]
        arguments = step.given.get("extra_args") or ""
        return f"{command} {arguments}" if known == "pre-commit/action" and arguments else command
    if name in ("actions-rs/cargo", "clechasseur/rs-cargo"):
        return f"cargo {step.given.get('command', '')} {step.given.get('args', '')}".strip()
    if name in ("gradle/gradle-build-action", "gradle/actions/setup-gradle", "eskatos/gradle-command-action"):
        return f"gradle {step.given['arguments']}" if step.given.get("arguments") else ""
    if name == "ruby/setup-ruby" and step.given.get("bundler-cache", "").lower() == "true":
        return "bundle install"
    if name == "aquasecurity/trivy-action" and step.given.get("scan-type", "image") in ("fs", "rootfs", "repo"):
        strict = step.given.get("exit-code", "0") not in ("", "0")
        return "trivy fs ." if strict else ""
    if name == "pnpm/action-setup" and "run_install" in step.given and step.given["run_install"] != "false":
        return "pnpm install"
    if name in _AZURE:
        given = step.given.get("command") or step.given.get("goals") or step.given.get("tasks") or ""
        rest = step.given.get("customCommand", "") if given == "custom" else ""
        return f"{_AZURE[name]} {rest or given} {step.given.get('arguments', '')}".strip()
    return ""
