"""planning: a clean window that turns the research into steps people can read."""

from agent import Phase
from store import Stage
from workers.decisions import Decision
from workers.stages.researching import read_only_window
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    return read_only_window(context, Phase.plan, Stage.IMPLEMENTING)
