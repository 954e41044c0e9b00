"""received: tell whoever asked that the task is taken."""

from store import Stage
from workers import questions
from workers.decisions import Decision, Move
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    context.source.acknowledge(context)
    asks = context.task().request.get("trigger") == questions.TRIGGER
    return Move(Stage.EXPLAINING if asks else Stage.TRIAGED)
