"""Environments of tox, sessions of nox, and the scripts that Python projects name in pyproject.toml."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator

from codebase.source import Evidence, Source, line_of
from codebase.tasks.task import Step, Task

_POSARGS = re.compile(r"\{posargs(:[^{}]*)?\}|\{env:[^{}:]*(:[^{}]*)?\}|\{tty[^{}]*\}")
_FACTOR = re.compile(r"[\w.!,{}-]+:\s+")


def tox_tasks(source: Source) -> Iterator[Task]:
    """Environments of tox.ini, setup.cfg and pyproject.toml; the base environment has the name "testenv".

    The task with the empty name stands for `tox` alone: every environment of its list.
    """
    found = list(_tox_ini(source)) + list(_tox_toml(source))
    yield from found
    listed = _tox_list(source)
    if found:
        names = [name for name in listed if any(task.name == name for task in found)]
        base = next((task for task in found if task.name == "testenv"), None)
        plain = [] if (len(names) == len(listed) and listed) or base is None else list(base.steps)
        steps = [step for name in names for task in found if task.name == name for step in task.steps]
        where = (base or found[0]).where
        yield Task("tox", "", "", "tox", where, tuple(plain + steps))


def _tox_ini(source: Source) -> Iterator[Task]:
    for path in ("tox.ini", "setup.cfg"):
        if path not in source:
            continue
        text = source.text(path) or ""
        parser = source.ini(path)
        for section in parser.sections():
            kind, _, name = section.removeprefix("tox:").partition(":")
            if kind != "testenv":
                continue
            start = text.find(f"[{section}]")
            own = parser.get(section, "commands", fallback=None)
            if own is None and parser.has_option("testenv", "commands"):
                own, start = parser.get("testenv", "commands"), text.find("[testenv]")
            steps = []
            for raw in (own or "").replace("\\\n", " ").splitlines():
                command = _FACTOR.sub("", _POSARGS.sub("", raw).strip(), count=1).strip()
                if command:
                    where = Evidence(path, line_of(text, raw.strip()[:40], max(start, 0)))
                    steps.append(Step(_lenient(command), where))
            where = Evidence(path, line_of(text, f"[{section}]"))
            for one in _names(name) if name else ["testenv"]:
                call = f"tox -e {one}" if name else "tox"
                yield Task("tox", "", one, call, where, tuple(steps))


def _names(name: str) -> list[str]:
    """The environments of a section such as `testenv:{py39,py310}-lint`, which names several."""
    match = re.search(r"\{([^{}]*)\}", name)
    if not match:
        return [one.strip() for one in name.split(",") if one.strip()]
    variants = match[1].split(",")[:50]
    return [one for v in variants for one in _names(name[: match.start()] + v.strip() + name[match.end() :])][:50]


def _lenient(command: str) -> str:
    return command[1:].strip() + " || true" if command.startswith("-") else command.lstrip("!").strip()


def _tox_toml(source: Source) -> Iterator[Task]:
    tool = source.toml("pyproject.toml").get("tool")
    for path, root in (("pyproject.toml", tool.get("tox") if isinstance(tool, dict) else None),
                       ("tox.toml", source.toml("tox.toml"))):  # fmt: skip
        if not isinstance(root, dict):
            continue
        text = source.text(path) or ""
        envs = root.get("env")
        sections = {"testenv": root.get("env_run_base"), **(envs if isinstance(envs, dict) else {})}
        for name, section in sections.items():
            if not isinstance(section, dict) or not isinstance(section.get("commands"), list):
                continue
            header = "env_run_base]" if name == "testenv" else f"env.{name}]"
            start = max(text.find(header), 0)
            steps = []
            for command in section["commands"]:
                words = [word for word in command if isinstance(word, str)] if isinstance(command, list) else []
                if words:
                    line = line_of(text, f'"{words[0]}"', start)
                    steps.append(Step(shlex.join(words), Evidence(path, line)))
            call = "tox" if name == "testenv" else f"tox -e {name}"
            yield Task("tox", "", name, call, Evidence(path, line_of(text, header)), tuple(steps))


def _tox_list(source: Source) -> list[str]:
    tool = source.toml("pyproject.toml").get("tool")
    tox = tool.get("tox") if isinstance(tool, dict) else None
    for root in (tox, source.toml("tox.toml")):
        listed = root.get("env_list") if isinstance(root, dict) else None
        if isinstance(listed, list):
            return [name for name in listed if isinstance(name, str)]
    for path in ("tox.ini", "setup.cfg"):
        parser = source.ini(path)
        for section in ("tox", "tox:tox"):
            for option in ("envlist", "env_list"):
                text = parser.get(section, option, fallback="")
                if text.strip():
                    groups = re.split(r"[,\s]+(?![^{]*\})", text.strip())
                    return [name for group in groups for name in _names(group)]
    return []


def nox_tasks(source: Source) -> Iterator[Task]:
    """Sessions of noxfile.py, read from its syntax: strings of `session.run`, nothing computed.

    The task with the empty name stands for `nox` alone: `nox.options.sessions`, or every session.
    """
    path = "noxfile.py"
    try:
        tree = ast.parse(source.text(path) or "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    sessions: dict[str, Task] = {}
    chosen: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "nox.options.sessions":
            values = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else []
            chosen = [
                value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)
            ]
        if not isinstance(node, ast.FunctionDef) or not any("session" in ast.unparse(d) for d in node.decorator_list):
            continue
        named = [k.value for d in node.decorator_list if isinstance(d, ast.Call) for k in d.keywords if k.arg == "name"]
        name = str(named[0].value) if named and isinstance(named[0], ast.Constant) else node.name
        steps = []
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                words = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                if call.func.attr in ("run", "run_always") and words:
                    steps.append(Step(shlex.join(words), Evidence(path, call.lineno)))
                elif call.func.attr == "install" and words:
                    steps.append(Step(f"pip install {shlex.join(words)}", Evidence(path, call.lineno)))
                elif call.func.attr == "notify" and words:
                    steps.append(Step(f"nox -s {words[0]}", Evidence(path, call.lineno)))
        steps.sort(key=lambda step: step.where.line)
        sessions[name] = Task("nox", "", name, f"nox -s {name}", Evidence(path, node.lineno), tuple(steps))
    yield from sessions.values()
    if sessions:
        every = [sessions[name] for name in chosen if name in sessions] or list(sessions.values())
        steps = [step for task in every for step in task.steps]
        yield Task("nox", "", "", "nox", every[0].where, tuple(steps))


def project_tasks(source: Source) -> Iterator[Task]:
    """Scripts of hatch's environments, pdm, pixi, poe and taskipy."""
    tool = source.toml("pyproject.toml").get("tool")
    yield from _scripts_of(source, "pyproject.toml", tool if isinstance(tool, dict) else {})
    yield from _scripts_of(source, "pixi.toml", {"pixi": source.toml("pixi.toml")})


def _scripts_of(source: Source, path: str, tool: dict[str, object]) -> Iterator[Task]:
    text = source.text(path) or ""
    for runner, call, scripts in _project_scripts(tool):
        for name, value in scripts.items():
            if isinstance(value, dict):
                value = value.get("cmd") or value.get("shell") or value.get("composite") or value.get("sequence") or ""
            commands = [value] if isinstance(value, str) else value if isinstance(value, list) else []
            where = Evidence(path, _line_of_option(text, name))
            steps = tuple(Step(one, where) for one in commands if isinstance(one, str) and one.strip())
            if steps:
                yield Task(runner, "", name, f"{call} {name}", where, steps)


def _project_scripts(tool: dict[str, object]) -> Iterator[tuple[str, str, dict[str, object]]]:
    def below(*names: str) -> dict[str, object]:
        node: object = tool
        for name in names:
            node = node.get(name) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else {}

    for env in below("hatch", "envs"):
        scripts = below("hatch", "envs", env, "scripts")
        if env == "default":
            yield "hatch", "hatch run", scripts
        yield "hatch", "hatch run", {f"{env}:{name}": value for name, value in scripts.items()}
    yield "pdm", "pdm run", below("pdm", "scripts")
    yield "pixi", "pixi run", below("pixi", "tasks")
    for feature in below("pixi", "feature"):
        yield "pixi", "pixi run", below("pixi", "feature", feature, "tasks")
    yield "poe", "poe", below("poe", "tasks")
    yield "task", "task", below("taskipy", "tasks")


def _line_of_option(text: str, name: str) -> int:
    match = re.search(rf'^\s*"?{re.escape(name.rpartition(":")[2])}"?\s*[=.]', text, re.M)
    return text.count("\n", 0, match.end()) + 1 if match else 1
