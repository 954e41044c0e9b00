"""Small repositories in memory, known as a wiki needs them."""

from collections.abc import Mapping
from pathlib import Path

from codebase.facts import read_facts
from codebase.index import BlobCache, Contents, build_corpus
from codebase.index.grammars import grammar_for
from codebase.index.links import links_of
from codebase.navigation.imports import import_graph
from codebase.wiki import Known, Origin, Published, opened, pages, publish, survey
from codebase.wiki.references import Forge
from tests.codebase.index.making import MemoryTree

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHOP: Mapping[str, str] = {
    "README.md": """\
# Shop

[![CI](https://ci.example/b.svg)](https://ci.example)

Shop is a small [web shop](https://x.example).
It sells things.

## Use
""",
    "pyproject.toml": """\
[project]
name = "shop"

[project.scripts]
shop = "shop.cli:main"

[tool.pytest.ini_options]
""",
    "AGENTS.md": "# Rules\n\nRun the tests.\n",
    ".github/CODEOWNERS": "*  @all\n/shop/till.py  @money\n",
    "shop/__init__.py": """\
'''A shop in one package.'''

from shop.goods import Goods, Price
from shop.till import Till
""",
    "shop/goods.py": """\
'''What is sold.'''


class Goods:
    '''One thing on a shelf. It has a price.'''


class Price:
    pass


def _hidden():
    pass
""",
    "shop/till.py": """\
'''Where it is paid.'''

from shop.goods import Goods, Price


class Till:
    '''Takes money.'''

    def pay(self, goods: Goods) -> Price:
        return Price()
""",
    "shop/cli.py": """\
import click

from shop.till import Till


@click.command('pay')
def pay():
    Till().pay(None)


def main():
    pay()


if __name__ == '__main__':
    main()
""",
    "tests/test_till.py": "from shop.till import Till\n\n\ndef test_pay():\n    assert Till()\n",
}


def known_of(files: Mapping[str, str | bytes], cache: Path, name: str = "shop") -> Known:
    tree = MemoryTree({path: text.encode() if isinstance(text, str) else text for path, text in files.items()})
    kept = BlobCache(cache / "index.db")
    try:
        corpus = build_corpus(tree, kept, processes=1)
        coded = [file for file in tree.files() if grammar_for(file.path)]
        links = links_of(tree, coded, kept, processes=1)
    finally:
        kept.close()
    contents = Contents(tree)
    facts = read_facts(lambda: contents.files, contents.read)
    return Known(name, corpus, contents, links, import_graph(contents.files, links, contents.read), facts)


def built(
    files: Mapping[str, str | bytes], out: Path, cache: Path, *, commit: str = COMMIT, forge: Forge | None = None
) -> Published:
    """A wiki of these files in `out`, as the command makes it."""
    known = known_of(files, cache)
    with opened(out) as folder:
        return publish(pages(survey(known)), known.contents, Origin("shop", commit, forge), folder)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
