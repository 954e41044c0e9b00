"""Claims a task and moves it from stage to stage until it waits, ends, or another worker has it."""

import traceback
from collections.abc import Callable, Mapping

import structlog

from forges.github import ForgeError, ForgeUnavailable, RateLimited
from repositories.errors import RemoteUnavailable, RepositoryError
from sandboxes.contract import BoxLost, SandboxError
from store import TERMINAL, Claim, LeaseLost, Stage, tasks
from store.stages import check_move
from workers import fleet
from workers.decisions import Decision, EndTask, HandBack, Move, Wait
from workers.heartbeat import Heartbeat
from workers.rescue import rescue
from workers.workshop import TaskContext, Workshop

log = structlog.get_logger(__name__)

StageFunction = Callable[[TaskContext], Decision]

# A worker that dies in the same stage again and again is killed by the task, not by chance.
MOST_CLAIMS_WITHOUT_PROGRESS = 5
TROUBLE_FIRST_S = 5.0
TROUBLE_LONGEST_S = 900.0
TROUBLE_AT_MOST_S = 3 * 3600.0
BOXES_LOST_AT_MOST = 3


class Conductor:
    """Carries out what the stages decide."""

    def __init__(self, workshop: Workshop, stages: Mapping[Stage, StageFunction]) -> None:
        self.workshop, self.stages = workshop, stages

    def run(self, task_id: str) -> bool:
        """Works on the task for as long as it can go on. False when it was not ours to take."""
        workshop = self.workshop
        with workshop.database.write() as session:
            held = tasks.claim(
                session, task_id, workshop.owner, now=workshop.clock(), lease_s=workshop.settings.lease_s
            )
        if held is None:
            return False
        with structlog.contextvars.bound_contextvars(task_id=task_id):
            try:
                with Heartbeat(workshop.database, held, workshop.settings.lease_s, workshop.clock) as heartbeat:
                    self._conduct(TaskContext(workshop, held, heartbeat), held)
            except LeaseLost:
                log.warning("lease lost: another worker goes on with the task")
        return True

    def _conduct(self, context: TaskContext, held: Claim) -> None:
        while True:
            context.heartbeat.check()
            task = context.task()
            stage = Stage(task.stage)
            if stage in TERMINAL:
                self._end(context)
                return
            if self.workshop.draining.is_set():
                self._carry_out(context, held, Wait(0.0))
                return
            decision = self._decide(context, stage)
            context.heartbeat.check()
            if not self._carry_out(context, held, decision):
                return

    def _decide(self, context: TaskContext, stage: Stage) -> Decision:
        task = context.task()
        if task.stop_requested_by is not None:
            return Move(Stage.CANCELLED, f"stopped by {task.stop_requested_by}")
        if task.claims_without_progress > MOST_CLAIMS_WITHOUT_PROGRESS:
            return Move(
                Stage.FAILED,
                f"the worker was lost {MOST_CLAIMS_WITHOUT_PROGRESS} times in the stage {stage} of this task",
            )
        try:
            if (in_line := fleet.wait_in_line(context, stage)) is not None:
                return in_line
            decision = self.stages[stage](context)
            if isinstance(decision, Move):
                check_move(stage, decision.there)
            return decision
        except LeaseLost:
            raise
        except EndTask as end:
            return end.move
        except HandBack:
            return Wait(0.0)
        except RateLimited as limited:
            return self._trouble(context, stage, limited, at_least=max(1.0, limited.until - context.now()))
        except (ForgeUnavailable, RemoteUnavailable) as unavailable:
            return self._trouble(context, stage, unavailable, at_least=0.0)
        except BoxLost as lost:
            return self._box_lost(context, lost)
        except (ForgeError, RepositoryError, SandboxError) as refusal:
            log.warning("stage refused", stage=stage, error=str(refusal))
            return Move(Stage.FAILED, str(refusal))
        except Exception as defect:
            log.exception("stage failed", stage=stage)
            where = traceback.extract_tb(defect.__traceback__)[-1]
            return Move(
                Stage.FAILED,
                f"an error in Forgehand itself stopped the task in the stage {stage}: {type(defect).__name__} "
                f"in {where.name} (the worker's log has the details under task {context.id})",
            )

    def _trouble(self, context: TaskContext, stage: Stage, trouble: Exception, *, at_least: float) -> Decision:
        """The forge does not answer or wants us to wait: so do we, longer each time, for three hours in all."""
        data = context.task().data
        since = data["trouble_since"] if data.get("trouble_stage") == stage else context.now()
        times = data["trouble_times"] + 1 if data.get("trouble_stage") == stage else 1
        if context.now() - since > TROUBLE_AT_MOST_S:
            return Move(Stage.FAILED, f"gave up after {TROUBLE_AT_MOST_S / 3600:.0f} hours: {trouble}")
        delay = max(at_least, min(TROUBLE_FIRST_S * 2.0 ** (times - 1), TROUBLE_LONGEST_S))
        log.warning("waiting", stage=stage, seconds=delay, error=str(trouble))
        context.tell("waiting", why=str(trouble), seconds=delay)
        return Wait(delay, {"trouble_since": since, "trouble_times": times, "trouble_stage": stage})

    def _box_lost(self, context: TaskContext, lost: BoxLost) -> Decision:
        times = int(context.task().data.get("boxes_lost", 0)) + 1
        if times > BOXES_LOST_AT_MOST:
            return Move(Stage.FAILED, f"the sandbox was lost {BOXES_LOST_AT_MOST} times: {lost}")
        context.tell("box_lost", why=str(lost))
        return Wait(0.0, {"boxes_lost": times})

    def _carry_out(self, context: TaskContext, held: Claim, decision: Decision) -> bool:
        """True when there is more to do now."""
        now = context.now()
        fleet.leave(context, decision)
        if isinstance(decision, Wait) and "in_line" in decision.remember:
            self._show_place(context, decision)
        with context.database.write() as session:
            task = tasks.record(session, held, now=now)
            data = dict(task.data) | dict(decision.remember)
            if isinstance(decision, Wait):
                tasks.record(session, held, now=now, data=data)
                tasks.park(session, held, wake_at=now + decision.seconds, now=now)
                return False
            for trouble in ("trouble_since", "trouble_times", "trouble_stage", "boxes_lost"):
                data.pop(trouble, None)
            tasks.advance(session, held, decision.there, now=now, reason=decision.reason, data=data, **decision.columns)
        log.info("stage", stage=decision.there, reason=decision.reason)
        self._show(context)
        return True

    def _end(self, context: TaskContext) -> None:
        """Says how the task ended, then closes it. A forge that cannot be told is told later: not closed yet."""
        rescue(context)
        try:
            context.show()
        except (RateLimited, ForgeUnavailable) as unavailable:
            wait = self._trouble(context, Stage(context.task().stage), unavailable, at_least=0.0)
            if isinstance(wait, Wait):
                self._carry_out(context, context.held, wait)
                return
            log.warning("closed untold", error=str(unavailable))
        except (ForgeError, RepositoryError) as refusal:
            log.warning("closed untold", error=str(refusal))
        except LeaseLost:
            raise
        except Exception:
            # Left open, the task would be claimed for this again and again, and its issue could not be asked for anew.
            log.exception("closed untold")
        with context.database.write() as session:
            tasks.finish(session, context.held, now=context.now())
        log.info("finished", stage=context.task().stage)

    def _show_place(self, context: TaskContext, wait: Wait) -> None:
        """People see the place in line as it changes, not each time it is asked for."""
        if context.task().data.get("in_line") != wait.remember["in_line"]:
            context.remember(**wait.remember)
            self._show(context)

    def _show(self, context: TaskContext) -> None:
        try:
            context.show()
        except ForgeError as unavailable:
            # The next arrow draws everything again; work goes on without its picture.
            log.warning("could not show the state", error=str(unavailable))
        except LeaseLost:
            raise
        except Exception:
            log.exception("could not show the state")
