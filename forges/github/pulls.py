"""Pull requests: found by their head branch, opened once, kept up to date, made ready.

https://docs.github.com/en/rest/pulls/pulls
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .events import Actor
from .issues import person
from .markdown import fit
from .transport import Channel, Unprocessable

TITLE_LIMIT = 256

_READY = """mutation($id: ID!) {
  markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } }
}"""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request. `head_repository_id` is None when the fork it came from is gone.

    `mergeable` is None and `mergeable_state` "unknown" while GitHub computes them: ask again.
    """

    number: int
    node_id: str
    title: str
    body: str
    state: str
    draft: bool
    merged: bool
    author: Actor
    head_ref: str
    head_sha: str
    head_repository_id: int | None
    base_ref: str
    base_sha: str
    base_repository_id: int
    maintainer_can_modify: bool
    mergeable: bool | None
    mergeable_state: str
    html_url: str

    @property
    def from_fork(self) -> bool:
        return self.head_repository_id != self.base_repository_id


class Pulls:
    """Operations on the pull requests of one repository."""

    def __init__(self, channel: Channel, full_name: str) -> None:
        self._channel = channel
        self._repository = f"/repos/{full_name}"
        self._owner = full_name.partition("/")[0]

    def get(self, number: int) -> PullRequest:
        """Return a pull request. NotFound when there is none of that number."""
        return _pull(self._channel.get(f"{self._repository}/pulls/{number}"))

    def find(self, head: str, *, base: str | None = None) -> PullRequest | None:
        """Return the newest open pull request of the branch `head` of this repository, onto `base` if given.

        The filter is applied again here: GitHub ignores a `head` it cannot read and then lists everything.
        """
        query = {"head": f"{self._owner}:{head}", "state": "open", "sort": "created", "direction": "desc"}
        if base is not None:
            query["base"] = base
        for body in self._channel.pages(f"{self._repository}/pulls", query):
            pull = _pull(body)
            if pull.head_ref == head and not pull.from_fork and base in (None, pull.base_ref):
                return pull
        return None

    def create(self, *, head: str, base: str, title: str, body: str, draft: bool = True) -> PullRequest:
        """Open a pull request; where the plan has no drafts (422), an ordinary one.

        A second one for the same head and base is refused with Unprocessable: after that, or after ForgeUnavailable,
        `find` has it. Unprocessable also means no commits between the two, or a base that does not exist.
        """
        request = {
            "head": head,
            "base": base,
            "title": title[:TITLE_LIMIT],
            "body": fit(body),
            "maintainer_can_modify": True,
        }
        try:
            return _pull(self._channel.post(f"{self._repository}/pulls", request | {"draft": draft}))
        except Unprocessable as error:
            if not draft or "draft" not in str(error).lower():
                raise
        return _pull(self._channel.post(f"{self._repository}/pulls", request | {"draft": False}))

    def update(self, number: int, *, title: str | None = None, body: str | None = None) -> PullRequest:
        """Replace title or body, or both."""
        change: dict[str, str] = {}
        if title is not None:
            change["title"] = title[:TITLE_LIMIT]
        if body is not None:
            change["body"] = fit(body)
        return _pull(self._channel.patch(f"{self._repository}/pulls/{number}", change))

    def mark_ready(self, pull: PullRequest) -> None:
        """Take a draft out of draft. GraphQL only; a pull request that is ready already stays so."""
        if pull.draft:
            self._channel.graphql(_READY, {"id": pull.node_id})


def _pull(body: Any) -> PullRequest:
    head, base = body["head"], body["base"]
    return PullRequest(
        number=body["number"],
        node_id=body["node_id"],
        title=body["title"],
        body=body.get("body") or "",
        state=body["state"],
        draft=bool(body.get("draft")),
        # A list has no `merged`, only `merged_at`.
        merged=bool(body.get("merged") or body.get("merged_at")),
        author=person(body.get("user")),
        head_ref=head["ref"],
        head_sha=head["sha"],
        head_repository_id=(head.get("repo") or {}).get("id"),
        base_ref=base["ref"],
        base_sha=base["sha"],
        base_repository_id=base["repo"]["id"],
        maintainer_can_modify=bool(body.get("maintainer_can_modify")),
        mergeable=body.get("mergeable"),
        mergeable_state=body.get("mergeable_state") or "unknown",
        html_url=body["html_url"],
    )
