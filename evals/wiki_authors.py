"""A wiki written by a careful author and by one that makes things up, both scripted: what of each is published?

What is published is judged here without the code that checked it: from the pages' HTML, link by link, against the lines
of the commit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import yaml

from cli.wiki_prose import Prose, write_prose
from codebase.facts import read_facts
from codebase.index import BlobCache, Contents, build_corpus
from codebase.index.grammars import grammar_for
from codebase.index.links import links_of
from codebase.navigation.imports import import_graph
from codebase.wiki import Known, Origin, Survey, opened, pages, publish, survey
from codebase.wiki.model import Citation
from codebase.wiki.references import source_name
from codebase.wiki.spans import spans_of
from evals.wiki_links import check_wiki
from repositories.commit_tree import commit_tree

_PARAGRAPH = re.compile(r'<p class="by">(.*?)</p>', re.DOTALL)
_SENTENCE = re.compile(r'(.*?)<span class="at">(.*?)</span>', re.DOTALL)
_PLACE = re.compile(r'href="(source/[^"#]+)#L(\d+)">[^<]*?(?::(\d+)(?:-(\d+))?)</a>')
_CODE = re.compile(r"<code>(.*?)</code>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Written:
    """What an author's wiki came to. `said`: sentences it wrote; `published` of them; `unverified`: of these, those
    that lead to no line, or name what does not stand there; `broken`: troubles of links and pages."""

    repository: str
    author: str
    said: int
    published: int
    citations: int
    unverified: int
    broken: int
    pages: int


def careful(found: Survey, number: int) -> list[str]:
    """Sentences of which every word is in the lines that are cited."""
    spans = spans_of(found, number)
    said = []
    for name in found.names[number]:
        if any(span.path == name.path and span.start <= name.start <= span.end for span in spans):
            said.append(f"`{name.name}` is here [{name.path}:{name.start}].")
    return said[:6]


def careless(found: Survey, number: int) -> list[str]:
    """The ways to make things up: names, files, lines, numbers and negations that are not there, links, scripts."""
    spans = spans_of(found, number)
    span = spans[0] if spans else Citation("nowhere.py", 1, 1)
    place = f"{span.path}:{span.start}"
    lines = found.known.lines_of(span.path)
    elsewhere = next((path for path in found.known.contents.files if path not in {one.path for one in spans}), "no.py")
    return [
        f"`FrobnicateTheWidget` is here [{place}].",
        "The part talks to a `PostgreSQL` cluster over gRPC.",
        f"It retries 4711 times [{place}].",
        f"It never writes to a disk without a lock [{place}].",
        f"`import` stands here [made/up/file_{number}.py:3].",
        f"It ends here [{span.path}:{lines + 100}].",
        f"Everything is in this range [{span.path}:1-{max(lines, 200)}].",
        f"`import` stands in another file too [{elsewhere}:1].",
        f"Read [the manual](https://evil.example/) [{place}].",
        f"<script>alert(1)</script> runs [{place}].",
        f'It says "all your base are belong to us" [{place}].',
        f"The quantum scheduler entangles zebras [{place}].",
    ]


def script_of(found: Survey, author: Mapping[int, Sequence[str]], path: Path) -> Path:
    """A script for the model: one window for each part it is asked about, in their order."""
    wanted = [number for number, part in enumerate(found.parts) if part.role == "code" and found.names[number]]
    phases = {
        "wiki" if place == 1 else f"wiki#{place}": [{"say": "\n".join(author[number]) or "Nothing."}]
        for place, number in enumerate(wanted, start=1)
    }
    path.write_text(yaml.safe_dump({"phases": phases}, allow_unicode=True), encoding="utf-8")
    return path


def known_of(clone: Path, name: str, cache: Path) -> tuple[Known, str]:
    tree = commit_tree(clone, "HEAD")
    kept = BlobCache(cache)
    try:
        corpus, contents = build_corpus(tree, kept), Contents(tree)
        coded = [file for path, file in contents.files.items() if grammar_for(path) is not None]
        links = links_of(tree, coded, kept)
    finally:
        kept.close()
    imports = import_graph(contents.files, links, contents.read)
    facts = read_facts(lambda: contents.files, contents.read)
    return Known(name, corpus, contents, links, imports, facts), tree.commit


def measure(clone: Path, name: str, folder: Path) -> list[Written]:
    """Both authors on one repository. `folder` gets the scripts and the wikis."""
    known, commit = known_of(clone, name, folder / "index.db")
    found = survey(known)
    outcomes = []
    for author, writes in (("careful", careful), ("careless", careless)):
        said = {number: writes(found, number) for number in range(len(found.parts))}
        script = script_of(found, said, folder / f"{author}.yml")
        prose = write_prose(found, commit, f"scripted:{script}", lambda done, of: None)
        if prose.trouble:
            raise RuntimeError(f"the scripted author failed: {prose.trouble}")
        out = folder / author
        with opened(out) as wiki:
            publish(pages(found, prose.paragraphs), known.contents, Origin(name, commit, None), wiki)
        outcomes.append(_judged(name, author, found, out, said, prose))
    return outcomes


def _judged(
    name: str, author: str, found: Survey, out: Path, said: Mapping[int, Sequence[str]], prose: Prose
) -> Written:
    contents = found.known.contents
    files = {source_name(path, file.blob): path for path, file in contents.files.items()}
    published = citations = unverified = 0
    for page in sorted(out.glob("part-*.html")):
        for paragraph in _PARAGRAPH.findall(page.read_text(encoding="utf-8")):
            for words, places in _SENTENCE.findall(paragraph):
                published += 1
                cited = _PLACE.findall(places)
                citations += len(cited)
                unverified += not cited or not all(_stands(words, one, cited, files, contents) for one in cited)
    checked = check_wiki(out)
    asked = [number for number, part in enumerate(found.parts) if part.role == "code" and found.names[number]]
    if published != prose.sentences:
        raise RuntimeError(f"{published} sentences stand on the pages, and {prose.sentences} were told of")
    return Written(
        name, author, sum(len(said[number]) for number in asked), published, citations, unverified,
        len(checked.troubles), checked.pages,
    )  # fmt: skip


def _stands(
    words: str, one: Sequence[str], cited: Sequence[Sequence[str]], files: Mapping[str, str], contents: Contents
) -> bool:
    """The cited lines exist, and every name of the sentence stands in some of its cited lines."""
    path = files.get(one[0])
    if path is None or not 1 <= int(one[1]) <= len(contents.lines(path)) or one[1] != one[2]:
        return False
    text = []
    for page, start, _, end in cited:
        lines = contents.lines(files[page]) if page in files else []
        text += lines[int(start) - 1 : int(end or start)]
    shown = "\n".join(text)
    return all(unescape(name) in shown for name in _CODE.findall(words))
