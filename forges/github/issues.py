"""Issues and the conversation on them. A pull request is an issue here: its comments live at the same place.

https://docs.github.com/en/rest/issues
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from .events import Actor
from .markdown import fit
from .markers import Marker
from .transport import Channel

Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue or pull request as a subject of conversation."""

    number: int
    title: str
    body: str
    state: str
    author: Actor
    labels: tuple[str, ...]
    milestone: str | None
    assignees: tuple[str, ...]
    is_pull_request: bool
    html_url: str


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment in the conversation. Times are aware datetimes."""

    id: int
    body: str
    author: Actor
    created_at: datetime
    updated_at: datetime
    html_url: str


class Issues:
    """Operations on the issues of one repository."""

    def __init__(self, channel: Channel, full_name: str) -> None:
        self._channel = channel
        self._repository = f"/repos/{full_name}"

    def get(self, number: int) -> Issue:
        """Return an issue or pull request. NotFound when it was deleted or moved out of sight."""
        body = self._channel.get(f"{self._repository}/issues/{number}")
        return Issue(
            number=body["number"],
            title=body["title"],
            body=body.get("body") or "",
            state=body["state"],
            author=person(body.get("user")),
            labels=tuple(label if isinstance(label, str) else label["name"] for label in body.get("labels", ())),
            milestone=(body.get("milestone") or {}).get("title"),
            assignees=tuple(user["login"] for user in body.get("assignees") or ()),
            is_pull_request="pull_request" in body,
            html_url=body["html_url"],
        )

    def comments(self, number: int, *, since: datetime | None = None) -> Iterator[Comment]:
        """Yield the comments, oldest first; with `since` (aware) those updated at that time or later."""
        query = {} if since is None else {"since": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        for body in self._channel.pages(f"{self._repository}/issues/{number}/comments", query):
            yield _comment(body)

    def create_comment(self, number: int, body: str) -> Comment:
        """Write a comment, cut to GitHub's limit. Give it a marker, and after ForgeUnavailable look for that first."""
        return _comment(self._channel.post(f"{self._repository}/issues/{number}/comments", {"body": fit(body)}))

    def update_comment(self, comment_id: int, body: str) -> Comment:
        """Replace a comment's text, cut to GitHub's limit."""
        return _comment(self._channel.patch(f"{self._repository}/issues/comments/{comment_id}", {"body": fit(body)}))

    def find_comment(self, number: int, marker: Marker, author_id: int) -> Comment | None:
        """Return the first comment by the user `author_id` that carries `marker`.

        The author matters: anyone can write a marker, and only a comment of our own may be taken for our own.
        """
        text = str(marker)
        return next((each for each in self.comments(number) if each.author.id == author_id and text in each.body), None)

    def react(self, number: int, reaction: Reaction, *, comment_id: int | None = None) -> None:
        """React to a subject or to one of its comments. GitHub keeps one reaction of a kind per user: repeat freely."""
        place = f"issues/comments/{comment_id}" if comment_id is not None else f"issues/{number}"
        self._channel.post(f"{self._repository}/{place}/reactions", {"content": reaction}, repeatable=True)


def person(user: Mapping[str, Any] | None) -> Actor:
    """Return the author; what a deleted account wrote belongs to GitHub's user `ghost` (id 10137)."""
    if user is None:
        return Actor(10137, "ghost", "User")
    return Actor(user["id"], user["login"], user["type"])


def when(text: str) -> datetime:
    """Return one of GitHub's times (`2024-01-31T10:00:00Z`) as an aware datetime."""
    return datetime.fromisoformat(text)


def _comment(body: Any) -> Comment:
    return Comment(
        id=body["id"],
        body=body.get("body") or "",
        author=person(body.get("user")),
        created_at=when(body["created_at"]),
        updated_at=when(body["updated_at"]),
        html_url=body["html_url"],
    )
