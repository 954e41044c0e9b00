"""Repositories that mean harm, or nothing at all: all is escaped and bounded, and there is a wiki of the rest."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebase.wiki import forge_of, pages, survey
from codebase.wiki.model import Citation, Code, Listing, Page, Quoted, Row, Section, Sentence, Table, To
from codebase.wiki.references import Forge, source_name
from codebase.wiki.rendering import Site, render
from codebase.wiki.sources import LONGEST_LINE, MOST_LINES, shown_lines, source_page
from codebase.wiki.text import first_sentence, html, one_line, plain, slug
from evals.wiki_links import check_wiki
from tests.codebase.wiki.making import built, known_of

EVIL = "<script>alert(1)</script>"
NASTY_NAMES = (
    f"{EVIL}.py",
    'a"onmouseover="alert(1).py',
    "new\nline.py",
    "javascript:alert(1).py",
    "..%2f..%2fetc.py",
    "sp ace/'quote'.py",
    "bad\udcff\udcfe.py",
    "dir#frag?x=1/a.py",
    "\u202egnp.py",
    "&amp;.py",
    "source/index.html.py",
    "a" * 200 + ".py",
    "日本/語.py",
)
CODE = f'"""{EVIL} First. Second."""\n\nimport os\n\n\nclass Thing:\n    """Says {EVIL} & "more"."""\n'


def test_names_and_words_that_want_to_be_markup(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = dict.fromkeys(NASTY_NAMES, CODE)
    files["README.md"] = f"# {EVIL}\n\n{EVIL} is a <b onclick=x>thing</b> [click](javascript:alert(1)) of use.\n"
    files["AGENTS.md"] = f"</pre></blockquote>{EVIL}\n<!-- -->\n]]>\n"
    files["CODEOWNERS"] = f'{EVIL} @"><img/src=x>\n'
    files["pyproject.toml"] = f"[project.scripts]\n'{EVIL}' = '\"><img src=x>:main'\n"
    built(files, tmp_path / "wiki", tmp_path)
    checked = check_wiki(tmp_path / "wiki")
    assert checked.troubles == []
    for page in (tmp_path / "wiki").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert EVIL not in text
        assert not re.search(r'href="\s*javascript:', text, re.IGNORECASE)
        assert "\u202e" not in text


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"LICENSE": "x"},
        {"a.py": ""},
        {"README.md": ""},
        {"README.rst": "=====\nTitle\n=====\n"},
        {"README.md": b"\xff\xfe\x00\x01", "a.py": b"\xff\xfe = \x80\n"},
        {"a.py": b"\0\0\0"},
        {"tests/test_a.py": "def test_a():\n    pass\n"},
        {"examples/a.go": "package main\n\nfunc main() {}\n"},
        {"pyproject.toml": "[[[", "package.json": "{", "Cargo.toml": "=", "setup.cfg": "\0", "a.js": "x"},
        {"pyproject.toml": "project = 3\n", "package.json": "[]", "Cargo.toml": "bin = [3, {name = 4}]\n", "a.rs": ""},
    ],
)
def test_repositories_with_next_to_nothing(files: dict[str, str | bytes], tmp_path: Path) -> None:
    built(files, tmp_path / "wiki", tmp_path)
    checked = check_wiki(tmp_path / "wiki")
    assert checked.troubles == []
    assert checked.pages >= 3


def test_a_huge_repository_has_bounded_pages(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {}
    for number in range(6_000):
        files[f"area{number % 70}/group{number % 400}/file{number}.py"] = (
            f'"""File {number}."""\nfrom area{(number + 1) % 70} import x\n\n\nclass Thing{number}:\n    pass\n'
        )
    built(files, tmp_path / "wiki", tmp_path)
    checked = check_wiki(tmp_path / "wiki")
    assert checked.troubles == []
    assert checked.pages < 6_000
    index = (tmp_path / "wiki" / "index.html").read_text()
    broad = index.split('class="scroll narrow"')[0]
    assert broad.count("<rect") <= 30
    assert "more folders in the top folder" in index
    assert max(page.stat().st_size for page in (tmp_path / "wiki").glob("*.html")) < 2 << 20


def test_files_that_are_too_long_are_cut_and_their_lines_lead_to_the_end() -> None:
    assert len(shown_lines(b"x\n" * (MOST_LINES + 5))) == MOST_LINES
    long = shown_lines(b"y" * (3 << 20))
    assert [len(line) for line in long] == [LONGEST_LINE + 1]
    assert shown_lines(b"\0binary") == []
    assert shown_lines(None) == []
    assert shown_lines(b"a\r\nb\r\n") == ["a", "b"]
    wide = shown_lines(b"z" * 1999 + b"\n" + (b"z" * 1999 + b"\n") * 19_000)
    assert sum(map(len, wide)) < (1 << 20) + 3_000


def site_for(hrefs: dict[str, str] | None = None) -> Site:
    return Site(
        name="a site",
        chapters=(("index", "Overview"),),
        at="Written at commit abc",
        href=lambda citation: (hrefs or {}).get(citation.path, "source/a.html#L1"),
        outside=lambda _: None,
    )


words = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=60)


@settings(max_examples=150, deadline=None)
@given(words, words, words)
def test_whatever_is_said_stays_text(one: str, two: str, three: str) -> None:
    sentence = Sentence((one, Code(two), Quoted(three), To(one, "index")), (Citation("a.py", 1, 1),))
    row = Row(((one,), (Code(three),)), (Citation("b/"),))
    page = Page("index", two, (Section(one, (Listing((sentence,)), Table((one, two), (row,)))),), chapter="Overview")
    drawn = render(page, site_for())
    drawn.encode("utf-8")
    without_style = re.sub(r"<style>.*?</style>", "", drawn, flags=re.DOTALL)
    expected = [
        "!doctype",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "strong",
        "nav",
        "ul",
        "li",
        "main",
        "h1",
        "h2",
        "table",
        "thead",
        "tr",
        "th",
        "tbody",
        "td",
        "code",
        "q",
        "span",
        "footer",
        "p",
    ]
    assert {tag.lower() for tag in re.findall(r"<([!a-zA-Z][\w:-]*)", drawn)} <= set(expected)
    assert not re.search(r"<[^>]*\son\w+=", without_style)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", drawn)


@settings(max_examples=200, deadline=None)
@given(words)
def test_text_becomes_harmless(text: str) -> None:
    assert not set('<>"') & set(html(text))
    assert len(one_line(text, 20)) <= 20
    assert "\n" not in first_sentence(text)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", slug(text))
    assert re.fullmatch(r"source/[a-z0-9][a-z0-9-]*\.html", source_name(text, "0"))
    plain(text).encode("utf-8")


@settings(max_examples=100, deadline=None)
@given(st.lists(words.filter(bool), unique=True, max_size=20))
def test_different_texts_have_different_names(texts: list[str]) -> None:
    assert len({slug(text) for text in texts}) == len(texts)
    assert len({source_name(text, "0") for text in texts}) == len(texts)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_make_a_source_page(data: bytes) -> None:
    page = source_page("a.py", data, site_for())
    for number in range(1, len(shown_lines(data)) + 1):
        assert f'id="L{number}"' in page
    assert 'id="end"' in page


@pytest.mark.parametrize(
    ("remote", "home"),
    [
        ("https://github.com/ada/shop.git", "https://github.com/ada/shop"),
        ("https://ada:secret@github.com/ada/shop", "https://github.com/ada/shop"),
        ("git@github.com:ada/shop.git", "https://github.com/ada/shop"),
        ("ssh://git@gitlab.example.com:2222/group/sub/shop.git", "https://gitlab.example.com/group/sub/shop"),
        ("https://gitlab.com/group/shop/", "https://gitlab.com/group/shop"),
        ("https://github.com/ada", None),
        ("https://github.com/a/b/c", None),
        ("https://evil.example/github.com/x", None),
        ("https://notgithub.com/ada/shop", None),
        ("javascript:alert(1)//github.com/a/b", None),
        ("/home/ada/shop", None),
        ("https://github.com/a/../b", None),
        ('https://github.com/a"x/b', None),
        ("", None),
    ],
)
def test_which_remotes_have_pages(remote: str, home: str | None) -> None:
    found = forge_of(remote)
    assert (found.home if found else None) == home
    assert "secret" not in repr(found)


def test_addresses_at_the_forge_are_quoted() -> None:
    github = Forge("https://github.com/a/b", "blob", "tree")
    assert github.at(Citation('x"y/#z?.py', 3, 9), "abc") == (
        "https://github.com/a/b/blob/abc/x%22y/%23z%3F.py#L3-L9"
    )  # fmt: skip
    assert github.at(Citation("dir/"), "abc") == "https://github.com/a/b/tree/abc/dir"
    gitlab = forge_of("https://gitlab.com/a/b")
    assert gitlab is not None
    assert gitlab.at(Citation("x.py", 3, 9), "abc") == "https://gitlab.com/a/b/-/blob/abc/x.py#L3-9"


def test_a_statement_without_a_citation_cannot_be_made() -> None:
    for make in (lambda: Sentence(("x",), ()), lambda: Row((("x",),), ())):
        with pytest.raises(ValueError, match="without a citation"):
            make()
    for wrong in (("", 0, 0), ("a", 5, 3), ("a", -1, 2)):
        with pytest.raises(ValueError, match="no place"):
            Citation(*wrong)


def test_every_page_of_a_survey_is_named_once(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"{name}/x.py": "x = 1\n" for name in ("a b", "a-b", "a_b", "A B", "a/b")}
    found = [page.name for page in pages(survey(known_of(files, tmp_path)))]
    assert len(set(found)) == len(found)
