"""Boxes of a task end when it has to let go, whatever runs in them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sandboxes.contract import Box
from workers.workshop import TaskContext

LOOK_EVERY_S = 0.5


@contextmanager
def closed_on_stop(context: TaskContext) -> Iterator[list[Box]]:
    """A list of boxes; all in it are closed as soon as the task has to let go."""
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
