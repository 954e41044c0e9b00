"""Judgements of what checks code without running it: style, types, documentation, observability."""

from __future__ import annotations

import re

from codebase import yaml_nodes as nodes
from codebase.readiness.assessment import Assessment, Sign, State
from codebase.readiness.code import logging_signs
from codebase.readiness.configuration import bound_plugins, configured
from codebase.readiness.ground import Ground, idle, ran
from codebase.source import Evidence, line_of

REWRITES = "it changes files and never fails"


def style(ground: Ground) -> Assessment:
    """Linters and formatters."""
    runs = ground.uses("lint", "format")
    signs = [*ran(runs), *_bound(ground), *_dotnet_style(ground)]
    if signs:
        both = {use.purpose for _, use in runs}
        note = "" if both != {"lint"} else "a linter, no formatter's check was found"
        note = "a formatter's check, no linter was found" if both == {"format"} else note
        return Assessment("style", "enforced", tuple(signs), (), note)
    signs = [
        *ground.commands("lint", "format"),
        *configured(ground.source, frozenset({"lint", "format"}), ground.languages),
    ]
    if signs:
        return Assessment("style", "present", (*signs[:3], *_elsewhere(ground), *idle(ground, "lint", "format")), ())
    rewriting = [run for run, _ in ground.uses("format", rewriting=True)]
    if rewriting:
        sign = Sign(f"CI runs `{rewriting[0].text}`", rewriting[0].trail[0], rewriting[0].trail)
        return Assessment("style", "partial", (sign,), (), REWRITES)
    elsewhere = ran(ground.uses("lint", "format", anyone=True))
    editor = [Sign("editors are told indentation and line ends, which nothing checks", Evidence(".editorconfig", 1))]
    partly = [*elsewhere, *(editor if ".editorconfig" in ground.source else [])]
    note = f"nothing checks {ground.language}" if elsewhere else ""
    return Assessment("style", "partial" if partly else "missing", tuple(partly), (), note)


def _elsewhere(ground: Ground) -> list[Sign]:
    """pre-commit.ci, a service that runs hooks for pull requests where somebody has turned it on."""
    for path in (".pre-commit-config.yaml", ".pre-commit-config.yml"):
        for key, node, _ in nodes.entries(ground.source.yaml(path) if path in ground.source else None):
            if key == "ci":
                where = Evidence(path, nodes.line(node))
                return [Sign("pre-commit.ci is set up, and nothing here says whether it is on", where)]
    return []


def _bound(ground: Ground) -> list[Sign]:
    """Plugins of Maven and Gradle that fail the build CI runs."""
    builds = ground.uses("build")
    if not builds:
        return []
    return [
        Sign(
            f"`{name}` is part of the build that CI runs (`{builds[0][0].text[:60]}`)",
            where,
            (builds[0][0].trail[0], where),
        )
        for name, purpose, where in bound_plugins(ground.source)
        if purpose in ("lint", "format")
    ][:3]


def _dotnet_style(ground: Ground) -> list[Sign]:
    builds = ground.uses("build") if ground.language == "C#" else []
    for path in ground.source.paths if builds else ():
        if path.endswith((".props", ".csproj", ".targets")) and path.count("/") <= 2:
            text = ground.source.text(path) or ""
            match = re.search(r"<EnforceCodeStyleInBuild>\s*true", text, re.I)
            if match:
                where = Evidence(path, text.count("\n", 0, match.start()) + 1)
                return [Sign("code style is part of the build that CI runs", where, (*builds[0][0].trail, where))]
    return []


def types(ground: Ground) -> Assessment:
    """Type checkers, and compilers that check types."""
    runs = ground.uses("types")
    if runs:
        note = "the compiler checks types" if ground.compiled else ""
        return Assessment("types", "enforced", ran(runs), (), note)
    signs = [*ground.commands("types"), *configured(ground.source, frozenset({"types"}), ground.languages)]
    if ground.compiled:
        signs += [Sign(f"the {ground.language} compiler checks types", manager.manifest)
                  for manager in ground.facts.package_managers if manager.language in ground.languages][:1]  # fmt: skip
        signs += (
            [Sign(f"the {ground.language} compiler checks types", Evidence(ground.tests[0], 1))]
            if (not signs and ground.tests)
            else []
        )
    if signs:
        return Assessment("types", "present", (*signs[:3], *idle(ground, "types")), ())
    shipped = [
        path for path in ground.source.paths if path.endswith(("/py.typed", ".d.ts")) and "node_modules" not in path
    ]
    partly = (
        [Sign("types are declared for users, and nothing here checks them", Evidence(shipped[0], 1))] if shipped else []
    )
    return Assessment("types", "partial" if partly else "missing", tuple(partly), ())


_README = re.compile(r"README(\.\w+)?\Z", re.I)
_PAGE = re.compile(r"(docs?|documentation|guides?)/.*\.(md|rst|adoc|txt)\Z")


def docs(ground: Ground) -> Assessment:
    """What is written down for people and agents, and whether something fails when it breaks."""
    source = ground.source
    readme = next((path for path in source.paths if _README.match(path)), None)
    read = [Sign("a README", Evidence(readme, 1))] if readme and len((source.glance(readme)).strip()) > 0 else []
    runs = ground.uses("docs", anyone=True)
    whole = [one.path for one in ground.facts.instructions if not one.scope]
    instructions = [Sign("instructions for contributors or agents", Evidence(path, 1)) for path in whole]
    more = [*instructions[:2], *configured(source, frozenset({"docs"}), ground.languages)[:2]]
    pages = (path for path in source.paths if _PAGE.match(path))
    folder = next(pages, None)
    more += [Sign("a documentation folder", Evidence(folder, 1))] if folder else []
    agents = bool({"AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md"} & set(whole))
    note = "" if agents else "no AGENTS.md: what an agent should know is not said in one place"
    if runs:
        return Assessment("docs", "enforced", (*ran(runs, 2), *read, *more[:2]), (), note)
    if read and more:
        return Assessment("docs", "present", (*read, *more[:3], *idle(ground, "docs")), (), note)
    state: State = "partial" if read or more else "missing"
    return Assessment("docs", state, (*read, *more), (), note)


def observability(ground: Ground) -> Assessment:
    """Logging, metrics and traces in product code, and lint rules about them."""
    signs = logging_signs(ground.source, ground.languages)
    rule = _logging_rule(ground)
    if signs and rule:
        return Assessment("observability", "enforced", (rule, *signs[:3]), ())
    if signs:
        return Assessment("observability", "present", tuple(signs), ())
    return Assessment("observability", "partial" if rule else "missing", (rule,) if rule else (), ())


def _logging_rule(ground: Ground) -> Sign | None:
    """A lint rule about logging or printing, in the configuration of a linter that CI runs."""
    linters = {run.words[0]: run for run, use in ground.uses("lint")}
    source = ground.source
    if linters.keys() & {"ruff", "ruff-check"}:
        run = linters.get("ruff") or linters["ruff-check"]
        where = _ruff_rule(ground)
        if where:
            text = "ruff's rules on logging or prints are on, and CI runs ruff"
            return Sign(text, where, (*run.trail, where))
    if "eslint" in linters:
        for path in source.paths:
            if re.fullmatch(r"(eslint\.config\.\w+|\.eslintrc(\.\w+)?)", path):
                text = source.text(path) or ""
                match = re.search(r"['\"]?no-console['\"]?\s*:\s*\[?\s*['\"]?(error|2)\b", text)
                if match:
                    where = Evidence(path, text.count("\n", 0, match.start()) + 1)
                    return Sign(
                        "eslint refuses console output, and CI runs eslint", where, (*linters["eslint"].trail, where)
                    )
    if "golangci-lint" in linters:
        for path in source.paths:
            if re.fullmatch(r"\.golangci\.ya?ml", path):
                for item in nodes.items(nodes.get(source.yaml(path), "linters", "enable")):
                    if nodes.scalar(item) in ("sloglint", "loggercheck", "forbidigo", "zerologlint", "spancheck"):
                        where = Evidence(path, nodes.line(item))
                        trail = (*linters["golangci-lint"].trail, where)
                        return Sign(f"golangci-lint's {nodes.scalar(item)} is on, and CI runs it", where, trail)
    return None


def _ruff_rule(ground: Ground) -> Evidence | None:
    source = ground.source
    documents = {"pyproject.toml": _ruff_of(source.toml("pyproject.toml")), "ruff.toml": source.toml("ruff.toml")}
    for path, table in documents.items():
        lint = table.get("lint")
        for part in (table, lint if isinstance(lint, dict) else {}):
            for key in ("select", "extend-select"):
                chosen = part.get(key)
                rules = [rule for rule in chosen if isinstance(rule, str)] if isinstance(chosen, list) else []
                rule = next((rule for rule in rules if re.match(r"(ALL|T20\d*|LOG\d*|G\d*)\Z", rule)), None)
                if rule:
                    return Evidence(path, line_of(source.text(path) or "", f'"{rule}"'))
    return None


def _ruff_of(document: dict[str, object]) -> dict[str, object]:
    tool = document.get("tool")
    ruff = tool.get("ruff") if isinstance(tool, dict) else None
    return ruff if isinstance(ruff, dict) else {}
