"""An answer about the code as one comment: permanent links to the lines that show it, nothing else alive."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from urllib.parse import quote as percent

from agent.asking import Authored
from codebase.citations import Citation, Claim, Piece
from forges.github import NotFound
from forges.github.markdown import COMMENT_LIMIT, neutralise, quote, size
from store import Stage
from workers.decisions import EndTask
from workers.github.desk import Desk, marker
from workers.outside import perform
from workers.status import quiet
from workers.workshop import TaskContext

QUOTED_CHARS = 600
CLAIMS_AT_MOST = 14
PLACES_AT_MOST = 3
_ROOM = 2_000
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|~$&]|:(?=//|\w+:)|(?<=www)\.)", re.IGNORECASE)
_BLOCK_MARK = re.compile(r"^(\d*)([-+#.)])")


@dataclass(frozen=True, slots=True)
class Place:
    """The commit that is asked about: `url` is its repository's page, `what` names it for people."""

    sha: str
    url: str
    what: str


def find_place(context: TaskContext, desk: Desk) -> Place:
    """The head of the pull request, or the default branch's newest commit; its objects are in the mirror then."""
    task, repository = context.task(), desk.repository(context)
    if (known := task.data.get("place")) is not None:
        return Place(**known)
    try:
        info = repository.info()
    except NotFound:
        raise EndTask(Stage.FAILED, "the repository is gone, or the App may no longer see it") from None
    context.remember(clone_url=info.clone_url)
    mirror = desk.mirror(context)
    if task.is_pull_request:
        number = task.number or 0
        sha = repository.pulls.get(number).head_sha
        mirror.fetch(f"refs/pull/{number}/head")
        return _kept(context, Place(sha, info.html_url, f"the head of #{number}"))
    mirror.fetch()
    if mirror.remote_head(info.default_branch) is None:
        raise EndTask(Stage.NEEDS_HUMAN, "the repository has no commit yet: there is no code to ask about")
    tip = mirror.resolve(info.default_branch)
    return _kept(context, Place(tip, info.html_url, f"the branch `{quiet(info.default_branch)}`"))


def _kept(context: TaskContext, place: Place) -> Place:
    """The commit of a question stays the one it was first looked up in, however often its worker is lost."""
    context.remember(place=asdict(place))
    return place


def compose(authored: Authored, place: Place, *, asked: str) -> str:
    """The comment without its marker."""
    answer = authored.answer
    head = quote(asked[:QUOTED_CHARS])
    if not answer.found:
        parts = [head, f"**Not found.** At `{place.sha[:12]}` ({place.what}), {_text(answer.reason)}."]
        places = [f"- {_link(one, place)}" for one in answer.places[:PLACES_AT_MOST]]
        if places:
            parts += ["The places that come closest:", "\n".join(places)]
        return "\n\n".join(parts)
    foot = f"From `{place.sha[:12]}` ({place.what}). Each statement was checked against the lines it links to."
    if answer.reason:
        foot = f"But {_text(answer.reason)}.\n\n{foot}"
    body = _body(answer.claims, place, room=COMMENT_LIMIT - _ROOM - size(head) - size(foot))
    return "\n\n".join([head, body, foot])


def _body(claims: tuple[Claim, ...], place: Place, *, room: int) -> str:
    """The first claims that fit, as a list: what belongs together below its first statement."""
    lines: list[str] = []
    block = None
    for claim in claims[:CLAIMS_AT_MOST]:
        said = re.sub(r"\s+([.,;!?]+)$", r"\1", "".join(_piece(piece) for piece in claim.pieces).strip())
        said = _BLOCK_MARK.sub(r"\1\\\2", said)
        if claim.citations:
            links = ", ".join(_link(one, place) for one in claim.citations)
            line = f"{'  ' if claim.block == block else ''}- {said.removesuffix('.')} ({links})"
            block = claim.block
        else:
            line = f"\n**{said}**\n" if claim.kind == "heading" else f"\n{said}\n"
            block = None
        if sum(size(one) + 1 for one in lines) + size(line) > room:
            break
        lines.append(line)
    return "\n".join(lines).strip()


def _piece(piece: Piece) -> str:
    if piece.kind == "text":
        return _text(piece.text)
    return _code(piece.text) if piece.kind == "code" else f'"{_text(piece.text)}"'


def _text(words: str) -> str:
    """Words in which no Markdown, mention or reference comes alive."""
    return neutralise(_MARKDOWN.sub(r"\\\1", re.sub(r"\s+", " ", words)))


def _code(text: str) -> str:
    """Text in a code span that it cannot leave."""
    squeezed = " ".join(text.split())
    longest = max((len(run) for run in re.findall(r"`+", squeezed)), default=0)
    ticks = "`" * (longest + 1)
    room = " " if squeezed.startswith("`") or squeezed.endswith("`") else ""
    return f"{ticks}{room}{squeezed}{room}{ticks}"


def _link(citation: Citation, place: Place) -> str:
    last = f"-L{citation.end_line}" if citation.end_line != citation.start_line else ""
    path = percent(citation.path, safe="/")
    return f"[{_code(str(citation))}]({place.url}/blob/{place.sha}/{path}#L{citation.start_line}{last})"


def post(context: TaskContext, desk: Desk, text: str) -> None:
    """Writes the comment, once whatever happens to us or to GitHub's answers."""
    task, repository = context.task(), desk.repository(context)
    bot, mark, number = desk.identity_for(context).bot, marker(context, "answer"), task.number or 0
    perform(
        context,
        f"answer:{task.id}",
        find=lambda: (
            None if (found := repository.issues.find_comment(number, mark, bot.id)) is None else {"id": found.id}
        ),
        # The marker comes first: a text too long for GitHub is cut at its end.
        make=lambda: {"id": repository.issues.create_comment(number, f"{mark}\n\n{text}").id},
    )


def show(context: TaskContext, desk: Desk) -> None:
    """A question has no status to show; an end without an answer is told in its place."""
    task = context.task()
    ends_without = (Stage.FAILED, Stage.NEEDS_HUMAN)
    if Stage(task.stage) in ends_without and task.data.get("answer") is None:
        asked = quote(str(task.request["question"] or task.ticket["title"])[:QUOTED_CHARS])
        post(context, desk, f"{asked}\n\nI could not answer this: {quiet(task.reason or 'the work ended')}")
