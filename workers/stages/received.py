"""received: tell whoever asked that the task is taken."""

from store import Stage
from workers.decisions import Decision, Move
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    context.source.acknowledge(context)
    return Move(Stage.TRIAGED)
