"""Scripts of package.json and composer.json files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codebase.source import Evidence, Source, line_of
from codebase.tasks.task import Step, Task, at, files_named


def script_tasks(source: Source) -> Iterator[Task]:
    """Each package's scripts, with what npm runs before and after them; composer's scripts, which may be lists."""
    for path, folder in files_named(source, "package.json"):
        scripts = _scripts(source, path)
        for name, (_, where) in scripts.items():
            order = (f"pre{name}", name, f"post{name}")
            steps = tuple(Step(text, at_) for key in order if key in scripts for text, at_ in [scripts[key]])
            yield Task("npm", folder, name, at(f"npm run {name}", folder), where, steps)
    for path, folder in files_named(source, "composer.json"):
        package = source.json(path)
        listed = package.get("scripts") if isinstance(package, dict) else None
        text = source.text(path) or ""
        for name, value in listed.items() if isinstance(listed, dict) else ():
            where = Evidence(path, _line_of_key(text, name))
            commands = [value] if isinstance(value, str) else value if isinstance(value, list) else []
            steps = tuple(
                Step(f"composer {one[1:]}" if one.startswith("@") and not one.startswith("@php ") else one, where)
                for one in commands
                if isinstance(one, str)
            )
            yield Task("composer", folder, name, at(f"composer run {name}", folder), where, steps)


def _scripts(source: Source, path: str) -> dict[str, tuple[str, Evidence]]:
    package = source.json(path)
    scripts = package.get("scripts") if isinstance(package, dict) else None
    text = source.text(path) or ""
    return {
        name: (value, Evidence(path, _line_of_key(text, name)))
        for name, value in (scripts.items() if isinstance(scripts, dict) else ())
        if isinstance(value, str) and value.strip()
    }


def _line_of_key(text: str, name: str) -> int:
    start = text.find('"scripts"')
    match = re.compile(rf'"{re.escape(name)}"\s*:').search(text, max(start, 0))
    return text.count("\n", 0, match.start()) + 1 if match else line_of(text, '"scripts"')
