"""Sandboxes with a task's tree in them: fresh ones for a proof, and the attempt's own, restored where it was."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import structlog

from sandboxes.contract import (
    Box,
    BoxLost,
    ChangeSet,
    LimitUnenforceable,
    SandboxError,
    SandboxSpec,
    SandboxUnavailable,
)
from sandboxes.pool import Content
from settings import Settings
from store import journal
from workers.changes import unpack
from workers.facts import facts_of
from workers.setting_up import Preparation, SettingUp
from workers.workshop import TaskContext

log = structlog.get_logger(__name__)


def spec_from(settings: Settings) -> SandboxSpec:
    """The limits of one box. It outlives no task: its lifetime is the task's time budget and the last command's."""
    return SandboxSpec(
        cpus=settings.sandbox_cpus,
        memory_bytes=settings.sandbox_memory_mb << 20,
        disk_bytes=settings.sandbox_disk_mb << 20,
        processes=settings.sandbox_processes,
        lifetime_s=settings.task_budget_seconds + settings.command_timeout_s,
    )


def task_spec(context: TaskContext) -> SandboxSpec:
    """The box of a task: the operator's word on its repository first, then `.forgehand.yml` at the base commit."""
    settings = context.settings
    machine = settings.machine_of(context.task().repository)
    spec = replace(spec_from(settings), network=machine.network or ())
    if machine.sandbox == "local":
        return spec  # it shows the host's own programs and has no images
    said = facts_of(context).facts.settings
    wanted = said.image if said is not None and said.usable else None
    return replace(spec, image=machine.image or wanted or settings.sandbox_image or None)


def new_box(context: TaskContext, purpose: str, prepared: Preparation | None = None) -> Box:
    """A box of the task's own: with tree and set-up in it when they are `prepared`, else empty."""
    content = None if prepared is None else Content(prepared.recipe.key, prepared.bring_into)
    return context.workshop.pool_of(context.task().repository).claim(
        task_spec(context), name=_name(context, purpose), labels=_labels(context, purpose), content=content
    )


def set_up_for(context: TaskContext) -> SettingUp:
    backend = context.workshop.backend_of(context.task().repository)

    def make(spec: SandboxSpec) -> Box:
        return backend.create(spec, name=_name(context, "setup"), labels=_labels(context, "setup"))

    return SettingUp(context, task_spec(context), make)


@contextmanager
def attempt_box(context: TaskContext, rev: str, windows: Sequence[str]) -> Iterator[Box]:
    """A box with the tree of `rev` and the repository's set-up, brought to the newest snapshot any of `windows` left
    in the journal: the box that a lost worker had for the same, where it still lives, else a new one."""
    with context.database.read() as session:
        packed = journal.last_changes(session, context.id, list(windows))
    changes: ChangeSet = unpack(packed) if packed is not None else {}
    setting_up = set_up_for(context)
    prepared = setting_up.for_attempt(rev)
    wanted = {"rev": rev, "windows": list(windows)}
    box = _survivor(context, wanted, changes)
    if box is None:
        box = _furnished(context, setting_up, prepared, rev)
        if changes:
            box.apply_changes(changes)
    with box:
        context.remember(isolation=box.isolation, box=wanted | {"name": box.name})
        yield box
    context.remember(box=None)


def _furnished(context: TaskContext, setting_up: SettingUp, prepared: Preparation | None, rev: str) -> Box:
    """A box with tree and set-up. A kept set-up that turns out damaged is made anew, once."""
    if prepared is not None:
        try:
            return new_box(context, "attempt", prepared)
        except (BoxLost, SandboxUnavailable, LimitUnenforceable):
            raise
        except SandboxError:
            setting_up.forget(prepared)
        if (again := setting_up.for_attempt(rev)) is not None:
            return new_box(context, "attempt", again)
    box = new_box(context, "attempt")
    try:
        with context.source.mirror(context).tree_tar(rev) as tar:
            box.put_tree(tar)
    except BaseException:
        box.close()
        raise
    return box


def _survivor(context: TaskContext, wanted: Mapping[str, Any], changes: ChangeSet) -> Box | None:
    """The box of the last claim, if it was for the same work, lives, and stands where the journal ends: what a command
    did that nobody wrote down must not count."""
    last = context.task().data.get("box")
    if last is None or {key: last[key] for key in wanted} != dict(wanted):
        return None
    box = context.workshop.backend_of(context.task().repository).attach(last["name"])
    if box is None:
        return None
    try:
        if box.get_changes() == changes:
            context.tell("box_kept", name=box.name)
            return box
    except SandboxError as error:
        log.info("the last box cannot be used", name=last["name"], error=str(error))
    box.close()
    return None


def _name(context: TaskContext, purpose: str) -> str:
    """So that whoever finds it knows whose it was."""
    return f"{context.id}-{purpose}-{context.held.fence}"


def _labels(context: TaskContext, purpose: str) -> dict[str, str]:
    return {"task": context.id, "purpose": purpose}
