"""Whether a wiki's pages hold together: every link leads somewhere, nothing comes from elsewhere, nothing runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})
_ACTIVE = frozenset({"script", "iframe", "object", "embed", "form", "link", "base", "img", "video", "audio", "use"})


@dataclass
class _Read(HTMLParser):
    """What a page holds: anchors, links, and what should not be there."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    policy: str = ""
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE:
            self.wrong.append(f"<{tag}>")
        if tag not in _VOID:
            self.open.append(tag)
        said = dict(attrs)
        if tag == "meta" and said.get("http-equiv") == "Content-Security-Policy":
            self.policy = said.get("content") or ""
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "src", "srcset", "xlink:href", "action"):
                self.wrong.append(f"{name}={value!r}")
            elif name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes what is not open")


@dataclass(frozen=True, slots=True)
class Checked:
    """`links` that lead within the wiki and `outside` of it; `troubles` in words, `page: what`."""

    pages: int
    links: int
    outside: int
    troubles: list[str]


def check_wiki(folder: Path) -> Checked:
    """Every page below `folder`: links and their anchors, what would run or be fetched, the policy, tags that match."""
    read: dict[Path, _Read] = {}
    troubles: list[str] = []
    for path in sorted(folder.rglob("*.html")):
        page = _Read()
        page.feed(path.read_text(encoding="utf-8"))
        page.close()
        read[path] = page
    inside = outside = 0
    for path, page in read.items():
        name = path.relative_to(folder)
        troubles += [f"{name}: {one}" for one in page.wrong]
        troubles += [f"{name}: <{tag}> is never closed" for tag in page.open]
        if not page.policy.startswith("default-src 'none'"):
            troubles.append(f"{name}: no policy that forbids what is not named")
        if len(set(page.ids)) != len(page.ids):
            troubles.append(f"{name}: an id twice")
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                outside += 1
                if parts.scheme != "https":
                    troubles.append(f"{name}: leads to {link[:80]!r}")
                continue
            inside += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = read.get(target)
            if there is None:
                troubles.append(f"{name}: {link[:80]!r} leads nowhere")
            elif parts.fragment and unquote(parts.fragment) not in there.ids:
                troubles.append(f"{name}: {link[:80]!r} has no such anchor")
    return Checked(len(read), inside, outside, troubles)
