"""Markdown as GitHub shows it, made safe: CommonMark and tables, comments hidden, only harmless tags let through."""

import html
import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt

_TAGS = frozenset(
    (
        *(
            "a",
            "b",
            "blockquote",
            "br",
            "code",
            "del",
            "details",
            "div",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
        ),
        *("i", "kbd", "li", "ol", "p", "pre", "s", "strong", "sub", "summary", "sup", "ul"),
        *("table", "tbody", "td", "th", "thead", "tr"),
    )
)
_VOID = frozenset({"br", "hr"})
_DROPPED = frozenset({"script", "style", "iframe", "object", "noscript", "template", "textarea", "title"})
_ALIGN = re.compile(r"text-align:(left|right|center)")
_LINK = re.compile(r"^(https?://|/(?!/)|#|mailto:)", re.IGNORECASE)

_BOX = re.compile(r"^\[([ xX])\] ")
_BOXES = {" ": "\N{BALLOT BOX} ", "x": "\N{BALLOT BOX WITH CHECK} "}
_ISSUE = re.compile(r"(?<![\w&/])#(\d+)\b")

_markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class _Sieve(HTMLParser):
    """Lets allowed tags through with their harmless attributes, escapes all text, closes what was left open."""

    def __init__(self, issues: str | None) -> None:
        super().__init__(convert_charrefs=True)
        self.issues = issues
        self.out: list[str] = []
        self.open: list[str] = []
        self.dropping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self.dropping += 1
        if self.dropping or tag not in _TAGS:
            return
        kept = "".join(self._attribute(tag, name, value or "") for name, value in attrs)
        self.out.append(f"<{tag}{kept}>")
        if tag not in _VOID:
            self.open.append(tag)

    def _attribute(self, tag: str, name: str, value: str) -> str:
        if tag == "a" and name == "href" and _LINK.match(value.strip()):
            return f' href="{html.escape(value.strip())}" rel="nofollow noopener"'
        if tag in ("td", "th") and name == "style" and (align := _ALIGN.fullmatch(value)):
            return f' class="{align[1]}"'
        if tag == "details" and name == "open":
            return " open"
        if tag == "ol" and name == "start" and value.isdigit():
            return f' start="{value}"'
        return ""

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self.dropping = max(0, self.dropping - 1)
            return
        if self.dropping or tag not in self.open:
            return
        while self.open:
            last = self.open.pop()
            self.out.append(f"</{last}>")
            if last == tag:
                break

    def handle_data(self, data: str) -> None:
        if self.dropping:
            return
        shown = html.escape(data, quote=False)
        if self.open and self.open[-1] in ("p", "li"):
            shown = _BOX.sub(lambda box: _BOXES[box[1].lower()], shown)
        if self.issues is not None and not {"a", "code", "pre"} & set(self.open):
            shown = _ISSUE.sub(rf'<a href="{html.escape(self.issues)}\1">#\1</a>', shown)
        self.out.append(shown)

    def finish(self) -> str:
        self.close()
        return "".join(self.out) + "".join(f"</{tag}>" for tag in reversed(self.open))


def title(text: str) -> str:
    """A title, escaped, with `code` shown as code as GitHub does."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def render(text: str | None, issues: str | None = None) -> str:
    """HTML for a comment or description: safe to put into a page whoever wrote the text.

    `issues` is the path that `#12` leads to, less the number; without it such references stay text.
    """
    sieve = _Sieve(issues)
    sieve.feed(_markdown.render(text or ""))
    return sieve.finish()
