"""The REST operations, one module a chapter of GitHub's reference. Importing this package fills `routing.ROUTES`.

Each handler answers in GitHub's shapes, refuses in GitHub's words, and sends the events GitHub would send.
"""

from demo.github.rest import (
    actions,
    apps,
    checks,
    comments,
    gitdata,
    graphql,
    issues,
    pulls,
    repositories,
    reviews,
    statuses,
)

__all__ = [
    "actions",
    "apps",
    "checks",
    "comments",
    "gitdata",
    "graphql",
    "issues",
    "pulls",
    "repositories",
    "reviews",
    "statuses",
]
