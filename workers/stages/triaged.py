"""triaged: find out what to work on and whether it can be worked on."""

from agent import Phase
from repositories.errors import EmptyRepository, RepositoryGone
from store import Stage
from workers import kernel_requests, localising, windows
from workers.decisions import Decision, EndTask, Move
from workers.facts import facts_at, instructions_text, proof_commands
from workers.workshop import TaskContext


def run(context: TaskContext) -> Decision:
    try:
        prepared = context.source.prepare(context)
    except EmptyRepository as empty:
        raise EndTask(Stage.NEEDS_HUMAN, f"{empty}") from None
    except RepositoryGone as gone:
        raise EndTask(Stage.FAILED, f"{gone}") from None
    facts = facts_at(context.source.mirror(context), prepared.base_sha)
    problems = [problem for problem in (facts.settings.problems if facts.settings else ()) if problem.level == "error"]
    if problems:
        raise EndTask(
            Stage.NEEDS_HUMAN,
            "the repository's settings cannot be read: "
            + "; ".join(f"{problem.where.path}:{problem.where.line} {problem.message}" for problem in problems),
        )
    task = context.task()
    localising.begin(context, prepared.start_sha)
    context.tell(
        "prepared",
        base=prepared.base_branch,
        why=prepared.why,
        base_sha=prepared.base_sha,
        test_commands=list(proof_commands(facts)),
        instructions=[instruction.path for instruction in facts.instructions],
        instructions_chars=len(instructions_text(facts)),
    )
    return Move(
        Stage.IMPLEMENTING if kernel_requests.target_of(task) else Stage.RESEARCHING,
        columns={
            "base_branch": prepared.base_branch,
            "base_sha": prepared.base_sha,
            # Work on an open pull request builds on its head, though it is proven against the base.
            "head_sha": prepared.start_sha if prepared.start_sha != prepared.base_sha else None,
            "branch": prepared.branch,
            "pull_number": prepared.pull_number,
        },
        remember={
            "base_why": prepared.why,
            **windows.next_round(task.data, Phase.research, Phase.plan, Phase.implement, Phase.prove),
        },
    )
