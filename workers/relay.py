"""Takes deliveries from the inbox in order and turns each into what it means for a task."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.orm import Session

from forges.github import (
    ForgeError,
    ForgeUnavailable,
    GitHubApp,
    Ignored,
    PayloadError,
    RateLimited,
    Signal,
    TriggerRules,
    decode,
    parse,
)
from store import deliveries
from store.deliveries import Pending
from workers.admission import Admission, Outcome
from workers.github.desk import Desk
from workers.workshop import Workshop

log = structlog.get_logger(__name__)

BATCH = 200
SUBJECTS_AT_ONCE = 4
ASK_AGAIN_S = 10.0


class _SettledElsewhere(Exception):
    """Another relay, which took the duty over while this one was held up, has acted on the delivery."""


class Relay:
    """One turn takes what is pending: subjects side by side, each subject's deliveries one after another.

    A delivery is settled in the same transaction as what it caused, so a relay that dies repeats it and causes
    nothing twice.
    """

    def __init__(self, workshop: Workshop, app: GitHubApp) -> None:
        self._workshop = workshop
        self._desk = Desk(app)
        self._admission = Admission(workshop, self._desk)
        self._rules: TriggerRules | None = None
        self._ask_again_at = 0.0

    def turn(self) -> int:
        """Acts on the deliveries that are ready; returns how many were looked at.

        Without knowing who we are the loop guard is blind: nothing is decided until GitHub has told.
        """
        workshop, looked = self._workshop, 0
        while True:
            with workshop.database.read() as session:
                rows = deliveries.ready(session, now=workshop.clock(), limit=BATCH)
            if not rows:
                return looked
            rules = self._who_we_are()
            if rules is None:
                return looked
            looked += len(rows)
            if not self._act(rows, rules) or len(rows) < BATCH:
                return looked

    def _act(self, rows: Sequence[Pending], rules: TriggerRules) -> bool:
        """True when at least one row left the inbox: otherwise there is no use in looking again at once."""
        ignored: list[tuple[Pending, str, str]] = []
        meant: dict[str, list[tuple[Pending, Signal]]] = {}
        for row in rows:
            try:
                signal = parse(row.event, decode(row.body, row.content_type), rules)
            except PayloadError as error:
                ignored.append((row, "failed", f"the payload cannot be read: {error}"))
                continue
            except Exception as error:
                # A payload that shows a defect of ours must not keep every other delivery waiting for ever.
                log.exception("a payload could not be read", delivery=row.delivery_id)
                ignored.append((row, "failed", f"{type(error).__name__} in Forgehand itself"))
                continue
            if isinstance(signal, Ignored):
                ignored.append((row, "ignored", signal.reason))
            else:
                meant.setdefault(signal.subject or f"row:{row.id}", []).append((row, signal))
        held = self._hold_back(meant)
        if ignored:
            with self._workshop.database.write() as session:
                for row, state, outcome in ignored:
                    deliveries.settle(
                        session, row.id, state=state, outcome=outcome, subject=row.subject, now=self._workshop.clock()
                    )
        with ThreadPoolExecutor(SUBJECTS_AT_ONCE, thread_name_prefix="relay") as pool:
            settled = sum(pool.map(lambda item: self._subject(*item), meant.items()))
        return bool(ignored) or held > 0 or settled > 0

    def _hold_back(self, meant: dict[str, list[tuple[Pending, Signal]]]) -> int:
        """Takes out of `meant` what came after a delivery of its subject that waits for a retry; returns how many."""
        with self._workshop.database.read() as session:
            heads = deliveries.heads(session, now=self._workshop.clock())
        behind = [
            (subject, row, heads[subject][1])
            for subject in meant.keys() & heads.keys()
            for row, _ in meant[subject]
            if row.id > heads[subject][0]
        ]
        if behind:
            with self._workshop.database.write() as session:
                for subject, row, until in behind:
                    deliveries.hold(session, row, subject=subject, until=until)
        waiting = {row.id for _, row, _ in behind}
        for subject in {subject for subject, _, _ in behind}:
            meant[subject] = [(row, signal) for row, signal in meant[subject] if row.id not in waiting]
        return len(behind)

    def _subject(self, subject: str, signals: Sequence[tuple[Pending, Signal]]) -> int:
        for done, (row, signal) in enumerate(signals):
            if not self._one(subject, row, signal):
                return done
        return len(signals)

    def _one(self, subject: str, row: Pending, signal: Signal) -> bool:
        """True when the delivery is settled, False when it has to be tried again later."""
        workshop = self._workshop
        try:
            self._admission.take(signal, settle=lambda session, outcome: self._settle(session, row, subject, outcome))
        except RateLimited as limited:
            # GitHub says when it will answer again: that may be an hour, and is no try of this delivery's.
            until = max(limited.until, workshop.clock() + 1.0)
            with workshop.database.write() as session:
                deliveries.hold(session, row, subject=subject, until=until)
            log.warning("delivery held", delivery=row.delivery_id, until=until, error=str(limited))
            return False
        except ForgeUnavailable as error:
            with workshop.database.write() as session:
                later = deliveries.postpone(session, row, outcome=str(error), subject=subject, now=workshop.clock())
            log.warning("delivery postponed", delivery=row.delivery_id, again=later, error=str(error))
            return not later
        except _SettledElsewhere:
            log.warning("another relay acted on the delivery", delivery=row.delivery_id)
        except ForgeError as error:
            with workshop.database.write() as session:
                deliveries.settle(
                    session,
                    row.id,
                    state="ignored",
                    outcome=f"refused: {error}",
                    subject=subject,
                    now=workshop.clock(),
                )
        except Exception as error:
            log.exception("a delivery could not be acted on", delivery=row.delivery_id)
            with workshop.database.write() as session:
                later = deliveries.postpone(
                    session,
                    row,
                    outcome=f"{type(error).__name__} in Forgehand itself",
                    subject=subject,
                    now=workshop.clock(),
                )
            return not later
        return True

    def _settle(self, session: Session, row: Pending, subject: str, outcome: Outcome) -> None:
        """Raises when the delivery is settled already, which takes back what was done for it here."""
        now = self._workshop.clock()
        if not deliveries.settle(session, row.id, state=outcome.state, outcome=outcome.why, subject=subject, now=now):
            raise _SettledElsewhere

    def _who_we_are(self) -> TriggerRules | None:
        """The trigger rules with our own ids, None while GitHub does not tell them.

        An App that is installed nowhere yet has no bot to ask about: it is asked again after a while, as after trouble.
        """
        now = self._workshop.clock()
        if self._rules is None and now >= self._ask_again_at:
            self._ask_again_at = now + ASK_AGAIN_S
            try:
                self._rules = self._ask_who_we_are()
            except ForgeError as error:
                log.warning("GitHub does not say who we are: deliveries wait", error=str(error))
        return self._rules

    def _ask_who_we_are(self) -> TriggerRules | None:
        settings, app = self._workshop.settings, self._desk.app
        installations = app.installations()
        if not installations:
            return None
        identity = self._desk.identity(installations[0].id)
        return TriggerRules(
            app_id=identity.app_id,
            app_slug=identity.slug,
            bot_user_id=identity.bot.id,
            assignees=frozenset(settings.trigger_assignees),
            label=settings.trigger_label or None,
            allowed_app_ids=frozenset(settings.allowed_bot_app_ids),
            hop_limit=settings.hop_limit,
        )
