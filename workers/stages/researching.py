"""researching: a window that reads and writes down where the trouble lies."""

from agent import Phase
from store import Stage
from workers import boxes, engineer, windows
from workers.decisions import Decision, Move
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    return read_only_window(context, Phase.research, Stage.PLANNING)


def read_only_window(context: TaskContext, phase: Phase, there: Stage) -> Decision:
    """Runs a window on the tree the work starts from and keeps its document under the phase's name."""
    task = context.task()
    start = task.head_sha or task.base_sha or ""
    window = windows.name(task.data, phase)
    with boxes.attempt_box(context, start, ()) as box:
        result = engineer.run_window(context, phase, engineer.brief_for(context, window, start, places=True), box)
    context.tell(phase.value, document=result.document, steps=result.steps)
    documents = task.data.get("documents", {}) | {phase.value: result.document}
    return Move(there, remember={"documents": documents})
