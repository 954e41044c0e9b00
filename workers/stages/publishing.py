"""publishing: bring the proven commit to the forge."""

from workers.decisions import Decision
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    return context.source.publish(context)
