"""proving: base and head in fresh sandboxes; what the evidence says decides what comes next."""

import json
from typing import Any

from agent import Phase
from proofs import Proof, ProofPlan, Reproduction, prove
from sandboxes.contract import Box, BoxLost
from store import Stage
from store import proofs as kept
from workers import boxes, choosing, kernel_requests, windows
from workers.decisions import Decision, Move
from workers.facts import facts_of
from workers.stopping import closed_on_stop
from workers.workshop import TaskContext

# The agent gets the evidence against its change twice; then people do.
HAND_BACKS_AT_MOST = 2
LOG_TAIL_CHARS = 6_000


def run(context: TaskContext) -> Decision:
    task = context.task()
    base, head = task.base_sha or "", task.head_sha or ""
    with context.database.read() as session:
        document = kept.of_head(session, task.id, head)
    proof = make_proof(context, base, head) if document is None else Proof.from_json(json.dumps(document))
    with context.database.write() as session:
        kept.save(session, context.held, head, proof.verdict, json.loads(proof.to_json()), now=context.now())
    context.tell("proof", verdict=proof.verdict, reason=proof.reason, head_sha=head)
    against = evidence_against(proof)
    handed_back = int(task.data.get("handed_back", 0))
    # The loop on a kernel is told of verifications and cannot act on the repository's tests: people see those.
    acts = kernel_requests.target_of(task) is None
    if against is not None and acts and handed_back < HAND_BACKS_AT_MOST:
        context.tell("handed_back", reason=proof.reason)
        return Move(
            Stage.IMPLEMENTING,
            proof.reason,
            remember={
                "proof_against": against,
                "handed_back": handed_back + 1,
                **windows.next_round(task.data, Phase.implement, Phase.prove),
            },
        )
    return Move(Stage.PUBLISHING, remember={"proof_against": None, "verdict": proof.verdict})


def make_proof(context: TaskContext, base: str, head: str) -> Proof:
    """Proves the task's commit. Trouble with a box that another box may not have is raised as BoxLost."""
    with closed_on_stop(context) as watched:
        return _prove(context, watched, base, head)


def _prove(context: TaskContext, watched: list[Box], base: str, head: str) -> Proof:
    mirror = context.source.mirror(context)
    facts = facts_of(context)
    setting_up = boxes.set_up_for(context)

    def new_box(label: str) -> Box:
        context.report(f"proving on {label}")
        watched.append(box := boxes.new_box(context, label))
        return box

    proof = prove(
        new_box,
        lambda: mirror.tree_tar(base),
        lambda: mirror.tree_tar(head),
        ProofPlan(
            facts.test_commands,
            _reproduction(context.task().data.get("reproduction")),
            context.settings.command_timeout_s,
        ),
        base_sha=base,
        head_sha=head,
        changed={path.path: path.status for path in mirror.changed_paths(base, head)},
        set_up=lambda box, side: setting_up.for_proof(box, base if side == "base" else head, side),
        exercising=choosing.exercising(context, base, head),
    )
    if context.stopped():
        context.let_go()
    if proof.verdict == "could_not_run" and any(run.outcome == "box_lost" for run in proof.commands):
        raise BoxLost("the proof's sandbox was lost", proof.reason)
    return proof


def _reproduction(data: dict[str, Any] | None) -> Reproduction | None:
    return None if data is None else Reproduction(data["command"], tuple(data["files"]))


def evidence_against(proof: Proof) -> dict[str, Any] | None:
    """What the agent can act on when the proof speaks against its change: broken tests, a reproduction that shows
    nothing. None when the proof holds or the trouble is not in the change."""
    if proof.verdict not in ("regressed", "unproven"):
        return None
    shown = [run for run in proof.commands if run.side == "head" and not run.passed]
    if proof.reproduction is not None and not proof.reproduction.reproduced:
        shown += [proof.reproduction.before, proof.reproduction.after]
    log = "\n\n".join(f"$ {run.command}  (on {run.side})\n{run.tail}" for run in shown)
    tests = [*proof.broken, *(test for test, status in proof.new.items() if status in ("failed", "error"))]
    return {"reason": proof.reason, "tests": tests[:50], "log": log[-LOG_TAIL_CHARS:]}
