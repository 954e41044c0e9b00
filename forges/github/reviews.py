"""Reviews of pull requests, and our answers in their threads.

https://docs.github.com/en/rest/pulls/reviews, https://docs.github.com/en/rest/pulls/comments
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .events import Actor
from .issues import Reaction, person
from .markdown import fit
from .markers import Marker
from .transport import Channel


@dataclass(frozen=True, slots=True)
class Review:
    """A review; `state` is lower case as in deliveries: approved, changes_requested, commented, dismissed, pending."""

    id: int
    state: str
    body: str
    author: Actor
    commit_id: str | None


@dataclass(frozen=True, slots=True)
class ReviewComment:
    """One inline comment. `line` is None when it is outdated or on a whole file; `original_line` is where it was."""

    id: int
    review_id: int | None
    in_reply_to_id: int | None
    body: str
    author: Actor
    path: str
    line: int | None
    original_line: int | None
    start_line: int | None
    side: str | None
    commit_id: str | None
    diff_hunk: str
    html_url: str

    @property
    def thread_id(self) -> int:
        """The id of the thread's first comment: replies can only be made to that one."""
        return self.in_reply_to_id or self.id


class Reviews:
    """Operations on the reviews of one repository's pull requests."""

    def __init__(self, channel: Channel, full_name: str) -> None:
        self._channel = channel
        self._repository = f"/repos/{full_name}"

    def get(self, number: int, review_id: int) -> Review:
        """Return one review."""
        body = self._channel.get(f"{self._repository}/pulls/{number}/reviews/{review_id}")
        return Review(
            id=body["id"],
            state=body["state"].lower(),
            body=body.get("body") or "",
            author=person(body.get("user")),
            commit_id=body.get("commit_id"),
        )

    def comments(self, number: int, *, review_id: int | None = None) -> Iterator[ReviewComment]:
        """Yield the inline comments of a pull request, oldest first, or those of one review.

        All comments of the pull request are read in both cases: the list of one review lacks the line numbers.
        """
        for body in self._channel.pages(f"{self._repository}/pulls/{number}/comments"):
            comment = _comment(body)
            if review_id in (None, comment.review_id):
                yield comment

    def reply(self, number: int, comment: ReviewComment, body: str) -> ReviewComment:
        """Answer in the thread of `comment`. Give the text a marker: `find_reply` looks for it after a lost answer."""
        path = f"{self._repository}/pulls/{number}/comments/{comment.thread_id}/replies"
        return _comment(self._channel.post(path, {"body": fit(body)}))

    def find_reply(self, number: int, marker: Marker, author_id: int) -> ReviewComment | None:
        """Return our answer that carries `marker`: an inline comment by the user `author_id`, or None."""
        text = str(marker)
        return next((each for each in self.comments(number) if each.author.id == author_id and text in each.body), None)

    def react(self, comment_id: int, reaction: Reaction) -> None:
        """React to an inline comment; repeating it changes nothing."""
        path = f"{self._repository}/pulls/comments/{comment_id}/reactions"
        self._channel.post(path, {"content": reaction}, repeatable=True)


def _comment(body: Any) -> ReviewComment:
    return ReviewComment(
        id=body["id"],
        review_id=body.get("pull_request_review_id"),
        in_reply_to_id=body.get("in_reply_to_id"),
        body=body.get("body") or "",
        author=person(body.get("user")),
        path=body["path"],
        line=body.get("line"),
        original_line=body.get("original_line"),
        start_line=body.get("start_line"),
        side=body.get("side"),
        commit_id=body.get("commit_id"),
        diff_hunk=body.get("diff_hunk") or "",
        html_url=body["html_url"],
    )
