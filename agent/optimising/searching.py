"""The loop: propose, verify, tell; several beginnings, then the best gone on with, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from agent.contract import BudgetExhausted, Ledger
from agent.journal import Journal, Reply
from agent.model import Cancelled, ContextExceeded, ModelClient, ModelUnavailable
from agent.optimising import choosing, prompting
from agent.optimising.branch import Branch, Talk, read_call
from agent.optimising.contract import Bounds, End, Feedback, NotGradable, Outcome, Subject, Try, Verify

_MACHINE_TRIES = 2


def optimise(
    subject: Subject,
    verify: Verify,
    model: ModelClient,
    *,
    ledger: Ledger,
    journal: Journal,
    window: str,
    bounds: Bounds,
    cancelled: Callable[[], bool] = lambda: False,
    told: Callable[[Try], None] = lambda _: None,
) -> Outcome:
    """Tries to make the subject faster; goes on where the journal of `window` (`1/optimise`) ends.

    `told` hears of each new turn. Raises NotGradable when nothing can be found out about any candidate, Cancelled,
    ModelRejected, PriceUnknown. A budget that is used up, models that do not answer and a machine that fails later end
    it with what there is.
    """
    return _Search(subject, verify, Talk(model, ledger, journal, cancelled), window, bounds, told).run()


class _Search:
    def __init__(
        self,
        subject: Subject,
        verify: Verify,
        talk: Talk,
        window: str,
        bounds: Bounds,
        told: Callable[[Try], None],
    ) -> None:
        self._subject, self._verify, self._talk, self._bounds, self._told = subject, verify, talk, bounds, told
        self._window = window
        self._branches: dict[int, Branch] = {}
        self._tries: list[Try] = []
        self._present: Feedback | None = None

    def run(self) -> Outcome:
        first = self._branch(1)
        if self._subject.present is not None:
            source = self._subject.present
            self._present = first.verified("present", lambda: self._graded(source))
        while True:
            following = choosing.next_branch(self._tries, self._bounds)
            if isinstance(following, End):
                return self._outcome(following, _reason(following, self._tries))
            try:
                self._turn(self._branch(following))
            except BudgetExhausted as error:
                return self._outcome(End.budget, f"the budget is used up: {error.limit}")
            except ContextExceeded:
                return self._outcome(End.context, "the conversation does not fit the model's context window")
            except ModelUnavailable as error:
                return self._outcome(End.no_model, str(error))
            except NotGradable as error:
                if all(one.feedback is None for one in self._tries):
                    raise
                return self._outcome(End.not_gradable, f"nothing more could be found out: {error}")

    def _branch(self, number: int) -> Branch:
        if number not in self._branches:
            self._branches[number] = Branch(self._talk, f"{self._window}#{number}", number)
        return self._branches[number]

    def _turn(self, branch: Branch) -> None:
        if self._talk.cancelled():
            raise Cancelled
        if not branch.opened:
            branch.open(lambda: prompting.opening(self._subject, self._present, self._tries))
        best = choosing.best(self._tries)
        try:
            reply = branch.reply(best)
        except ContextExceeded:
            reply = branch.reply(best, kept=0)
        tried = self._tried(branch, reply)
        self._tries.append(tried)
        left = self._bounds.turns - len(self._tries)
        branch.answer(reply, tried, prompting.answer(tried, choosing.best(self._tries), left))
        if branch.new:
            self._told(tried)

    def _tried(self, branch: Branch, reply: Reply) -> Try:
        """What came of a reply."""
        number = len(self._tries) + 1
        if not reply.calls:
            said = prompting.complaint("The reply proposes nothing.")
            return Try(number, branch.number, "", "", None, said)
        proposal = read_call(reply.calls[0])
        if isinstance(proposal, str):
            return Try(number, branch.number, "", "", None, proposal)
        known = next((one for one in self._tries if one.source == proposal.source), None)
        if known is not None or proposal.source == self._subject.present:
            where = f"turn {known.number}" if known is not None else "the candidate that is there now"
            said = f"This is exactly the file of {where}: write another one."
            return Try(number, branch.number, proposal.idea, "", None, said)
        feedback = branch.verified("verify", lambda: self._graded(proposal.source))
        return Try(number, branch.number, proposal.idea, proposal.source, feedback)

    def _graded(self, source: str) -> Feedback:
        """A verdict on the candidate. A machine that fails is tried once more."""
        for _ in range(_MACHINE_TRIES):
            if self._talk.cancelled():
                raise Cancelled
            found = self._verify(source)
            if found.about_candidate:
                return found
            if found.verdict == "invalid_task":
                break
        raise NotGradable(f"{found.verdict}: {'; '.join(found.lines)}")

    def _outcome(self, end: End, reason: str) -> Outcome:
        replies = [reply for branch in self._branches.values() for reply in branch.replies]
        return Outcome(
            tries=tuple(self._tries),
            present=self._present,
            end=end,
            reason=reason,
            models=tuple(dict.fromkeys(reply.model for reply in replies)),
            tokens=sum(reply.tokens for reply in replies),
            cost_usd=sum((reply.cost_usd or Decimal(0) for reply in replies), Decimal(0)),
        )


def _reason(end: End, tries: list[Try]) -> str:
    if end is End.stalled:
        return f"{choosing.idle_turns(tries)} turns in a row brought nothing better"
    return f"all {len(tries)} turns were taken"
