"""What is read off files: a README's first words, entry points, public names, sentences. Tables."""

import pytest

from codebase.index.blob import read_blob
from codebase.wiki.entries import Entry, entries_in, programs
from codebase.wiki.public import public_names
from codebase.wiki.readme import find_readme, first_paragraph
from codebase.wiki.text import first_sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Title\n\nA tool for people. It works.\n", (3, 3, "A tool for people. It works.")),
        ("Title\n=====\n\nA tool for\nmany people.\n\nMore.\n", (4, 5, "A tool for many people.")),
        ("[![b](x)](y)\n![i](z)\n\n<p align=center>\n<b>Short</b>\n</p>\n\nIt is a [tool](u) for **all** of us.\n",
         (8, 8, "It is a tool for all of us.")),
        ("```\ncode is the first here\n```\n\nThen it is a text of words.\n", (5, 5, "Then it is a text of words.")),
        ("<!-- hidden words are\nnot for readers -->\nSeen words are the rest.\n", (3, 3, "Seen words are the rest.")),
        ("- a list of some words here\n\nNot a list of some words.\n", (3, 3, "Not a list of some words.")),
        (".. image:: x\n   :alt: some words\n\nThis is the real text here.\n", (4, 4, "This is the real text here.")),
        ("See [the\nmanual of it](https://x.example/y) for all.\n", (1, 2, "See the manual of it for all.")),
        ("We released version 2 with many things!\n\nShop is a web shop.\n", (3, 3, "Shop is a web shop.")),
        ("Uses `x_y` and ``z`` in :mod:`flask.app` there.\n", (1, 1, "Uses x_y and z in flask.app there.")),
        ("It _means flame_ in *some* of the words_x here.\n", (1, 1, "It means flame in some of the words_x here.")),
        ("# Only a heading\n\n## Another\n", None),
        ("", None),
        ("Two words\n", None),
    ],
)  # fmt: skip
def test_the_first_paragraph(text: str, expected: tuple[int, int, str] | None) -> None:
    assert first_paragraph(text.split("\n")) == expected


def test_the_readme_that_is_meant() -> None:
    assert find_readme(["docs/README.md", "README.rst", "README.md", "readme.txt"]) == "README.md"
    assert find_readme(["a/README.md"]) is None
    assert find_readme(["a/README.md", "a/b/README.md"], "a") == "a/README.md"
    assert find_readme(["README", "README.weird"]) == "README"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("Python", "@app.route('/a', methods=['GET'])\ndef show():\n    pass\n", ("route", "/a", "show", 1)),
        ("Python", '@router.get("/b/{id}")\nasync def read(id): ...\n', ("route", "GET /b/{id}", "read", 1)),
        ("Python", "@click.command()\n@click.option('--x')\ndef do_it():\n", ("command", "do-it", "do_it", 1)),
        ("Python", "@app.command('go')\ndef start(): ...\n", ("command", "go", "start", 1)),
        ("Python", "x = sub.add_parser('run', help='r')\n", ("command", "run", "", 1)),
        ("Python", "if __name__ == '__main__':\n    main()\n", ("main", "f", "", 1)),
        ("Python", "    path('shop/', views.shop),\n", ("route", "shop/", "", 1)),
        ("JavaScript", "app.get('/x', (req, res) => {})\n", ("route", "GET /x", "", 1)),
        ("TypeScript", "  @Post('items')\n  create() {}\n", ("route", "POST items", "", 1)),
        ("Go", "func main() {\n", ("main", "f", "", 1)),
        ("Go", '\tr.GET("/ping", ping)\n', ("route", "GET /ping", "", 1)),
        ("Go", '\thttp.HandleFunc("/h", h)\n', ("route", "/h", "", 1)),
        ("Go", '\tUse:   "serve",\n', ("command", "serve", "", 1)),
        ("Rust", "fn main() {\n", ("main", "f", "", 1)),
        ("Rust", '#[get("/hi")]\nfn hi() {}\n', ("route", "GET /hi", "", 1)),
        ("Java", "  public static void main(String[] a) {\n", ("main", "f", "", 1)),
        ("Java", '  @GetMapping(value = "/j")\n', ("route", "GET /j", "", 1)),
        ("C", "int main(int c, char **v)\n", ("main", "f", "", 1)),
        ("C#", "    static async Task Main(string[] a)\n", ("main", "f", "", 1)),
        ("C#", '  [HttpGet("{id}")]\n', ("route", "GET {id}", "", 1)),
        ("Ruby", "get '/r' do\n", ("route", "GET /r", "", 1)),
        ("PHP", "Route::post('/p', X::class);\n", ("route", "POST /p", "", 1)),
    ],
)
def test_entry_points_by_their_forms(language: str, text: str, expected: tuple[str, str, str, int]) -> None:
    found = list(entries_in("f", language, text.split("\n")))
    assert [(one.kind, one.name, one.leads_to, one.line) for one in found] == [expected]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("Python", '"""\n@app.route("/in/a/docstring")\n"""\n'),
        ("Python", "# @app.route('/x')\n"),
        ("Python", "    >>> @app.route('/x')\n"),
        ("Python", "app.get('key')\n"),
        ("Go", "// func main() {\n"),
        ("Go", 'cache.GET("a" + b)\n'),
        ("JavaScript", "map.get('x')\n"),
        ("Python", "@app.route('" + "x" * 500 + "')\n"),
        ("Klingon", "func main() {\n"),
    ],
)
def test_what_only_looks_like_one(language: str, text: str) -> None:
    assert list(entries_in("f", language, text.split("\n"))) == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("pyproject.toml", '[project.scripts]\na = "m:f"\n', [("a", "m:f", 2)]),
        ("x/pyproject.toml", '[tool.poetry.scripts]\nb = "m:g"\n[project.scripts]\nb = "m:h"\n', [("b", "m:h", 4)]),
        ("Cargo.toml", '[[bin]]\nname = "rg"\npath = "src/m.rs"\n', [("rg", "src/m.rs", 2)]),
        ("package.json", '{"name": "@a/tool",\n"bin": "./cli.js"}', [("tool", "./cli.js", 1)]),
        ("package.json", '{"bin": {"x": "./x.js"}}', [("x", "./x.js", 1)]),
        ("setup.cfg", "[options.entry_points]\nconsole_scripts =\n    c = m:k\n", [("c", "m:k", 3)]),
        ("pyproject.toml", "[project]\nscripts = 3\n", []),
        ("pyproject.toml", "[project.scripts]\na = 3\n", []),
        ("package.json", '{"bin": {"x": 3}}', []),
        ("package.json", "[" * 100_000, []),
        ("other.toml", '[project.scripts]\na = "m:f"\n', []),
    ],
)
def test_programs_of_packages(path: str, text: str, expected: list[tuple[str, str, int]]) -> None:
    assert programs(path, text) == [Entry("program", name, to, path, line) for name, to, line in expected]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.py", "def f(): ...\ndef _g(): ...\nclass C:\n    def m(self): ...\ndef test_x(): ...\n", ["f", "C"]),
        ("a.go", "package a\n\nfunc Open() {}\nfunc shut() {}\ntype Thing struct{}\n", ["Open", "Thing"]),
        ("a.rs", "pub fn open() {}\nfn shut() {}\npub struct T;\npub(crate) fn inner() {}\n", ["open", "T"]),
        ("a.ts", "export function open() {}\nfunction shut() {}\nexport class T {}\n", ["open", "T"]),
        ("A.java", "public class A {}\nclass B {}\n", ["A"]),
        ("a.c", "int open_it(void) { return 1; }\nstatic int shut(void) { return 0; }\n", ["open_it"]),
        ("a.txt", "def f(): ...\n", []),
    ],
)
def test_public_names(path: str, text: str, expected: list[str]) -> None:
    found = public_names(path, read_blob(path, text.encode()), text.split("\n"))
    assert [one.name for one in found] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two.", "One."),
        ("It is e.g. this. Then that.", "It is e.g. this."),
        ("No end", "No end"),
        ("Over\n  two lines. End.", "Over two lines."),
        ("See :mod:`flask` or :py:class:`~x.Y`. More.", "See `flask` or `x.Y`."),
        ("Version 3.11 is needed. Yes.", "Version 3.11 is needed."),
        ("Really?! Yes.", "Really?!"),
        ("", ""),
    ],
)
def test_first_sentences(text: str, expected: str) -> None:
    assert first_sentence(text) == expected
