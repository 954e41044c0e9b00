"""Which function is which stage."""

from collections.abc import Mapping

from store import Stage
from workers.conductor import StageFunction
from workers.stages import (
    explaining,
    implementing,
    in_review,
    planning,
    proving,
    publishing,
    received,
    repairing,
    researching,
    revising,
    triaged,
    watching_ci,
)

STAGES: Mapping[Stage, StageFunction] = {
    Stage.RECEIVED: received.run,
    Stage.TRIAGED: triaged.run,
    Stage.RESEARCHING: researching.run,
    Stage.PLANNING: planning.run,
    Stage.IMPLEMENTING: implementing.run,
    Stage.PROVING: proving.run,
    Stage.PUBLISHING: publishing.run,
    Stage.WATCHING_CI: watching_ci.run,
    Stage.REPAIRING: repairing.run,
    Stage.IN_REVIEW: in_review.run,
    Stage.REVISING: revising.run,
    Stage.EXPLAINING: explaining.run,
}
