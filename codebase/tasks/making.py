"""Targets of makefiles, recipes of justfiles, tasks of Rakefiles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codebase.source import Evidence, Source
from codebase.tasks.task import Step, Task, at, files_named

_RULE = re.compile(r"([A-Za-z0-9_.][^:=#\t$]*?)\s*::?(?![:=])\s*([^=]*)\Z")
_VARIABLE = re.compile(r"\s*(?:export\s+|override\s+)?([A-Za-z_][\w.-]*)\s*(?:\?|:{1,3}|\+)?=\s*(.*)\Z")
_USE = re.compile(r"\$[({]([A-Za-z_][\w.-]*)[)}]")
_MAX_FILES = 20
_MAX_LINES = 20_000


def make_tasks(source: Source) -> Iterator[Task]:
    """Makefile targets with their prerequisites as steps; simple variables are put in, functions are not."""
    for path, folder in files_named(source, "GNUmakefile", "Makefile", "makefile")[:_MAX_FILES]:
        whole = _with_included(source, path)
        variables: dict[str, str] = {}
        for _, _, line in whole:
            match = _VARIABLE.match(line)
            if match and line[:1] != "\t":
                variables.setdefault(match[1], match[2])
        variables["MAKE"] = "make"
        rules: dict[str, tuple[Evidence, list[Step]]] = {}
        current: list[str] = []
        for where, line, tail in _joined(whole):
            if tail == "recipe":
                for name in current:
                    command = _put_in(line.strip().lstrip("@-+"), variables)
                    forgiven = " || true" if line.strip().startswith(("-", "@-")) else ""
                    rules[name][1].append(Step(command + forgiven, where))
                continue
            rule = _RULE.match(line.split("#")[0].rstrip())
            current = []
            if rule and not _VARIABLE.match(line):
                needs, _, inline = rule[2].partition(";")
                current = [name for name in rule[1].split() if name != ".PHONY" and not name.startswith(".SUFFIX")]
                for name in current:
                    _, steps = rules.setdefault(name, (where, []))
                    steps += [Step(f"make {n}", where) for n in _put_in(needs, variables).split()]
                    steps += [Step(_put_in(inline, variables), where)] if inline.strip() else []
        for name, (where, steps) in rules.items():
            call = f"make -C {folder} {name}" if folder else f"make {name}"
            yield Task("make", folder, name, call, where, tuple(steps))
        first = next((name for name in rules if not name.startswith(".") and "%" not in name), None)
        if first is not None:
            where, steps = rules[first]
            yield Task("make", folder, "", at("make", folder), where, tuple(steps))


def _with_included(source: Source, path: str, seen: set[str] | None = None) -> list[tuple[str, int, str]]:
    """Path, number and text of a makefile's lines, those of files it includes by a plain name in their place, once."""
    seen = {path} if seen is None else seen
    folder = path.rpartition("/")[0]
    found: list[tuple[str, int, str]] = []
    for number, line in enumerate((source.text(path) or "").splitlines(), start=1):
        included = re.match(r"-?s?include\s+([\w./-]+)\s*\Z", line)
        other = f"{folder}/{included[1]}".lstrip("/") if included else ""
        if other in source and other not in seen and len(found) < _MAX_LINES:
            seen.add(other)
            found += _with_included(source, other, seen)
        elif not included:
            found.append((path, number, line))
    return found


def _joined(lines: list[tuple[str, int, str]]) -> Iterator[tuple[Evidence, str, str]]:
    held, began, kind = "", Evidence("", 1), ""
    for path, number, line in lines:
        if not held:
            began, kind = Evidence(path, number), "recipe" if line.startswith("\t") else "text"
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        if (held + line).strip():
            yield began, held + line, kind
        held = ""


def _put_in(text: str, variables: dict[str, str]) -> str:
    for _ in range(4):
        if len(text) > 4_000:
            break
        text = _USE.sub(lambda match: variables.get(match[1], match[0]), text)
    return text


def just_tasks(source: Source) -> Iterator[Task]:
    """Recipes of a justfile, the first one as the default."""
    for path, folder in files_named(source, "justfile", "Justfile", ".justfile")[:_MAX_FILES]:
        found: dict[str, tuple[int, list[Step]]] = {}
        current: list[Step] | None = None
        for number, line in enumerate((source.text(path) or "").splitlines(), start=1):
            rule = re.match(r"@?([A-Za-z_][\w-]*)[^:=]*:(?!=)([^#]*)", line)
            if rule:
                needs = re.findall(r"[A-Za-z_][\w-]*", re.sub(r"\(.*?\)", "", rule[2]))
                current = [Step(f"just {need}", Evidence(path, number)) for need in needs]
                found[rule[1]] = (number, current)
            elif line[:1].isspace() and line.strip() and current is not None:
                current.append(Step(line.strip().lstrip("@-"), Evidence(path, number)))
        for index, (name, (number, steps)) in enumerate(found.items()):
            for called in (name, "") if index == 0 else (name,):
                call = at(f"just {called}".strip(), folder)
                yield Task("just", folder, called, call, Evidence(path, number), tuple(steps))


_RAKE_TASK = re.compile(r"task\s*\(?\s*[:\"']?([\w:-]*\w)[\"']?\s*(?:(?:=>|:|,.*?=>)\s*(.*?))?(?:\s+do\b.*|\s*\{.*)?\Z")
_RAKE_CLASSES = (
    (re.compile(r"Rake::TestTask\.new(?:\s*\(?\s*:?[\"']?([\w:-]+))?"), "test", "rake test"),
    (re.compile(r"Minitest::TestTask\.create(?:\s*\(?\s*:?[\"']?([\w:-]+))?"), "test", "rake test"),
    (re.compile(r"RSpec::Core::RakeTask\.new(?:\s*\(?\s*:?[\"']?([\w:-]+))?"), "spec", "rspec"),
    (re.compile(r"RuboCop::RakeTask\.new(?:\s*\(?\s*:?[\"']?([\w:-]+))?"), "rubocop", "rubocop"),
    (re.compile(r"YARD::Rake::YardocTask\.new(?:\s*\(?\s*:?[\"']?([\w:-]+))?"), "yard", "yard"),
)


def rake_tasks(source: Source) -> Iterator[Task]:
    """Tasks that a Rakefile names in plain words; what Ruby code computes is not seen."""
    for path, folder in files_named(source, "Rakefile", "rakefile", "Rakefile.rb")[:_MAX_FILES]:
        found: dict[str, tuple[int, list[Step]]] = {}
        current: list[Step] | None = None
        for number, line in enumerate((source.text(path) or "").splitlines(), start=1):
            where = Evidence(path, number)
            text = line.split(" #")[0].strip()
            for pattern, name, program in _RAKE_CLASSES:
                made = pattern.search(text)
                if made:
                    found.setdefault(made[1] or name, (number, []))[1].append(Step(program, where))
            task = _RAKE_TASK.match(text)
            if task:
                needs = re.findall(r"[\w:-]*\w", re.sub(r"%[wi]|do\b.*", "", task[2] or ""))
                current = found.setdefault(task[1], (number, []))[1]
                current += [Step(f"rake {need.strip(':')}", where) for need in needs]
            shell = re.search(r"\b(?:sh|system|ruby)[\s(]+([\"'])(.+?)\1", text)
            if shell and current is not None:
                current.append(Step(shell[2] if "ruby " not in text[:5] else f"ruby {shell[2]}", where))
        for name, (number, steps) in found.items():
            for called in (name, "") if name == "default" else (name,):
                call = at(f"rake {called}".strip(), folder)
                yield Task("rake", folder, called, call, Evidence(path, number), tuple(steps))
