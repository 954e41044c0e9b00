"""in_review: the change is with people; wait for their reviews, their merge, or their push."""

from agent import Phase
from store import Stage
from workers import windows
from workers.decisions import Decision, Move, Wait
from workers.github import answering, following
from workers.github.source import desk_of
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    desk = desk_of(context)
    pull = following.pull_request(context, desk)
    if following.others_pushed(context, desk, pull):
        return Move(Stage.WATCHING_CI)
    asked, next_ripe = answering.waiting(context)
    if asked:
        return to_revising(context)
    wait = context.settings.in_review_poll_s
    return Wait(wait if next_ripe is None else min(wait, max(0.0, next_ripe - context.now())))


def to_revising(context: TaskContext) -> Move:
    """Opens a round in which people's comments are answered."""
    data = context.task().data
    return Move(Stage.REVISING, remember={"ci_history": [], "handed_back": 0, **windows.next_round(data, Phase.review)})
