"""A repository's `setup:` commands: run once for a tree in a box of their own, whose result other boxes start from.

Which commands those are is the base branch's word alone. They run on the tree of a commit, so on a proof's head with
the change in it, and with the network that the operator allowed for set-ups.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import structlog

from proofs import CommandRun, Side, run_plain
from sandboxes.contract import Box, BoxLost, SandboxError, SandboxSpec
from store import Stage
from workers.decisions import EndTask
from workers.facts import facts_of
from workers.setup_cache import Recipe, SetUp, SetupCache
from workers.stopping import closed_on_stop
from workers.workshop import TaskContext

log = structlog.get_logger(__name__)

MakeBox = Callable[[SandboxSpec], Box]


@dataclass(frozen=True, slots=True)
class Preparation:
    """A set-up that passed on the tree of `rev`, and how a box gets tree and set-up."""

    recipe: Recipe
    made: SetUp
    open_tree: Callable[[], BinaryIO]

    def bring_into(self, box: Box) -> None:
        """Raises SandboxError when what was kept is damaged or gone."""
        with self.open_tree() as tar:
            box.put_tree(tar)
        self.restore(box)

    def restore(self, box: Box) -> None:
        try:
            with self.made.saved.open("rb") as file:
                box.restore(file)
        except OSError as gone:
            raise SandboxError("the set-up cannot be brought in", str(gone)) from None


class SettingUp:
    """Set-ups for one task. `make_box` makes a box with the limits of a spec."""

    def __init__(self, context: TaskContext, spec: SandboxSpec, make_box: MakeBox) -> None:
        settings = context.settings
        machine = settings.machine_of(context.task().repository)
        self._context, self._make_box = context, make_box
        self._spec = replace(spec, network=tuple(dict.fromkeys((*spec.network, *(machine.setup_network or ())))))
        self._cache = SetupCache(settings.state_dir / "setups", max_bytes=settings.sandbox_setups_mb << 20)
        said = facts_of(context).facts.settings
        self._commands = said.setup if said is not None and said.usable else ()
        self._backend = context.workshop.backend_of(context.task().repository).name

    def preparation(self, rev: str, side: Side) -> Preparation | Sequence[CommandRun] | None:
        """The set-up of a commit's tree, kept or made now; the commands that ran when one of them did not pass; None
        when the repository names none. BoxLost, SandboxError; EndTask, HandBack, LeaseLost when the task has to stop.
        """
        if not self._commands:
            return None
        mirror = self._context.source.mirror(self._context)
        recipe = self._recipe(mirror.tree(rev))
        with self._cache.alone(recipe, self._context.stopped) as ours:
            if not ours:
                self._context.let_go()
            found = self._cache.find(recipe)
            made = found or self._make(recipe, rev, side)
        if not isinstance(made, SetUp):
            return made
        if found is None:
            self._context.tell("set_up", commands=list(self._commands), seconds=sum(run.seconds for run in made.runs))
        return Preparation(recipe, made, lambda: mirror.tree_tar(rev))

    def for_proof(self, box: Box, rev: str, side: Side) -> Sequence[CommandRun]:
        """Gets a proof's box, with the tree in it, ready; the commands, as run for this side or for an equal tree."""
        for last in False, True:
            found = self.preparation(rev, side)
            if not isinstance(found, Preparation):
                return found or ()
            try:
                found.restore(box)
                return [replace(run, side=side) for run in found.made.runs]
            except BoxLost:
                raise
            except SandboxError:
                self.forget(found)
                if last:
                    raise
        return ()

    def for_attempt(self, rev: str) -> Preparation | None:
        """EndTask when the set-up does not pass on the base branch as it is: nobody could work there. On a changed
        tree the agent finds out for itself and can repair it."""
        task = self._context.task()
        on_base = rev == task.base_sha
        found = self.preparation(rev, "base" if on_base else "head")
        if found is None or isinstance(found, Preparation):
            return found
        failed = next(run for run in found if not run.passed)
        last_words = failed.tail.strip().splitlines()[-1:] or [failed.outcome]
        what = f"the set-up command {failed.command!r} did not succeed ({last_words[0][:300]})"
        if on_base:
            raise EndTask(Stage.NEEDS_HUMAN, f"{what} on {task.base_branch}: repair it, or `setup:` in .forgehand.yml")
        self._context.tell("set_up_failed", why=what)
        return None

    def forget(self, preparation: Preparation) -> None:
        """What is kept of it is not used again."""
        log.warning("a kept set-up cannot be used", key=preparation.recipe.key, exc_info=True)
        self._cache.forget(preparation.recipe)

    def _recipe(self, tree: str) -> Recipe:
        shown = f"{platform.platform()} {sys.version} {sys.base_prefix}" if self._spec.image is None else ""
        task = self._context.task()
        return Recipe(task.repository, tree, self._commands, self._backend, self._spec.image, self._spec.network, shown)

    def _make(self, recipe: Recipe, rev: str, side: Side) -> SetUp | Sequence[CommandRun]:
        context, runs = self._context, []
        mirror = context.source.mirror(context)
        with closed_on_stop(context) as watched, self._make_box(self._spec) as box:
            watched.append(box)
            with mirror.tree_tar(rev) as tar:
                box.put_tree(tar)
            for command in self._commands:
                context.report(f"setting up: {command}")
                runs.append(run := run_plain(box, side, command, context.settings.command_timeout_s))
                if context.stopped():
                    context.let_go()
                if run.outcome == "box_lost":
                    raise BoxLost("the set-up's sandbox was lost", run.tail)
                if not run.passed:
                    return runs
            return self._cache.keep(recipe, runs, box.save)
