"""Sandboxes with a task's tree in them: fresh ones for a proof, and the attempt's own, restored where it was."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sandboxes.contract import Box, SandboxSpec
from settings import Settings
from store import journal
from workers.changes import unpack
from workers.facts import facts_of
from workers.workshop import TaskContext

LOOK_EVERY_S = 0.5


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


def new_box(context: TaskContext, purpose: str) -> Box:
    """An empty box, named so that whoever finds it knows whose it was."""
    name = f"{context.id}-{purpose}-{context.held.fence}"
    backend = context.workshop.backend_of(context.task().repository)
    return backend.create(task_spec(context), name=name, labels={"task": context.id, "purpose": purpose})


@contextmanager
def closed_on_stop(context: TaskContext) -> Iterator[list[Box]]:
    """A list of boxes; all in it are closed as soon as the task has to let go, whatever runs in them."""
    boxes: list[Box] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_EVERY_S):
            if context.stopped():
                for box in list(boxes):
                    box.close()

    watcher = threading.Thread(target=watch, name=f"boxes-{context.id}", daemon=True)
    watcher.start()
    try:
        yield boxes
    finally:
        ended.set()
        watcher.join()


@contextmanager
def attempt_box(context: TaskContext, rev: str, windows: Sequence[str]) -> Iterator[Box]:
    """A box with the tree of `rev`, brought to the newest snapshot any of `windows` left in the journal."""
    with new_box(context, "attempt") as box:
        with context.source.mirror(context).tree_tar(rev) as tar:
            box.put_tree(tar)
        with context.database.read() as session:
            packed = journal.last_changes(session, context.id, list(windows))
        if packed is not None:
            box.apply_changes(unpack(packed))
        context.remember(isolation=box.isolation)
        yield box
