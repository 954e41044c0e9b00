"""Markdown on the pages: what people write is shown, what harms is not."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.github.markdown import render, title

HARMLESS = {"href", "rel", "class", "open", "start"}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a**", "<p><strong>a</strong></p>\n"),
        ("`a<b`", "<p><code>a&lt;b</code></p>\n"),
        ("- [x] done\n- [ ] not", "<ul>\n<li>☑ done</li>\n<li>☐ not</li>\n</ul>\n"),
        ("see #12", '<p>see <a href="/o/r/issues/12">#12</a></p>\n'),
        ("`#12` a/#3 x#4", "<p><code>#12</code> a/#3 x#4</p>\n"),
        ("[#12](https://x.example)", '<p><a href="https://x.example" rel="nofollow noopener">#12</a></p>\n'),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("<a href='javascript:alert(1)'>a</a>", "<p><a>a</a></p>\n"),
        ("<a href='//evil.example'>a</a>", "<p><a>a</a></p>\n"),
        ("<img src=x onerror=alert(1)>", ""),
        ("<b onclick=alert(1)>a</b>", "<p><b>a</b></p>\n"),
        ("<b>never closed", "<p><b>never closed</b></p>\n"),
        ("<!-- forgehand:status -->\n\na", "\n<p>a</p>\n"),
        ("```\n<!-- shown -->\n```", "<pre><code>&lt;!-- shown --&gt;\n</code></pre>\n"),
        ("~~a~~", "<p><s>a</s></p>\n"),
        (None, ""),
    ],
)
def test_rendering(text: str | None, html: str) -> None:
    assert render(text, "/o/r/issues/") == html


def test_dropped_elements_take_their_content_along() -> None:
    assert "alert" not in render("<script>alert(1)</script>")
    assert "body" not in render("<style>body { display: none }</style>")


def test_tables_and_details() -> None:
    html = render("<details open><summary>More</summary>\n\n| a |\n|--:|\n| 1 |\n\n</details>")
    assert "<details open><summary>More</summary>" in html
    assert '<td class="right">1</td>' in html


FRAGMENTS = st.sampled_from(
    (
        *(
            "<",
            ">",
            "</",
            "<!--",
            "-->",
            "`",
            "```\n",
            "[",
            "](",
            ")",
            "javascript:",
            "<script>",
            "</script>",
            "<a href=",
        ),
        *("'", '"', "onload=", "<img ", "<svg/onload=x>", "&lt;", "&#", "\n", "\n\n", "| a |\n|---|\n", "<details>"),
        *("x", "#1 ", "\0"),
    )
)


@given(st.lists(FRAGMENTS | st.text(max_size=5), max_size=25).map("".join))
@settings(max_examples=300, deadline=None)
def test_nothing_harmful_gets_through(text: str) -> None:
    reader = Reader()
    reader.feed(render(text, "/o/r/issues/"))
    assert not {"script", "style", "img", "svg", "iframe", "form", "input", "object"} & set(reader.tags)
    for name, value in reader.attributes:
        assert name in HARMLESS
        assert name != "href" or (value or "").lower().startswith(("http://", "https://", "/", "#", "mailto:"))


def test_titles() -> None:
    assert title("`a<b` & <i>") == "<code>a&lt;b</code> &amp; &lt;i&gt;"
