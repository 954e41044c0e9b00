"""Which parts a repository has and who uses whom: tables, and properties that hold for any tree."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebase.wiki import survey
from codebase.wiki.entry_page import entries_page
from codebase.wiki.model import Citation, Code, Table
from codebase.wiki.overview import box_label, shared_folder
from codebase.wiki.parts import MOST_PARTS, clusters, find_parts, role_of
from codebase.wiki.spans import spans_of
from codebase.wiki.uses import Use, calls_in_folders, drawn_arrows, joined, uses_between
from tests.codebase.wiki.making import SHOP, known_of

names = st.sampled_from(["a", "b", "core", "x", "tests", "docs", "y1"])
paths = st.builds(lambda folders, name: "/".join([*folders, f"{name}.py"]), st.lists(names, max_size=4), names)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(paths, st.integers(0, 2_000), max_size=60), st.data())
def test_every_file_is_in_exactly_one_part(lines: dict[str, int], data: st.DataObject) -> None:
    files = sorted(lines)
    imports = {path: data.draw(st.lists(st.sampled_from(files), max_size=4)) for path in files[:10]} if files else {}
    found = find_parts(lines, imports)
    assert sorted(path for part in found for path in part.paths) == files
    assert sum(part.role == "code" for part in found) <= MOST_PARTS
    for part in found:
        assert all(path.startswith(part.folder.lstrip("/")) for path in part.paths)
    assert found == find_parts(lines, imports)


def titles(lines: dict[str, int], imports: dict[str, list[str]] | None = None) -> list[str]:
    return [part.title for part in find_parts(lines, imports or {}) if part.role == "code"]


def test_folders_are_parts_and_a_flat_package_is_its_files() -> None:
    assert titles({"src/shop/a.py": 10, "src/shop/b.py": 10, "src/shop/inner/c.py": 5, "src/shop/inner/d.py": 5}) == [
        "src/shop/a.py", "src/shop/b.py", "src/shop/inner/c.py", "src/shop/inner/d.py",
    ]  # fmt: skip
    many = {f"p/{folder}/{name}.py": 100 for folder in "abcdefghij" for name in ("x", "y")}
    assert titles(many) == [f"p/{folder}" for folder in "abcdefghij"]


def test_more_folders_than_boxes_are_grouped_and_said_so() -> None:
    found = find_parts({f"f{number:03}/x.py": 100 - number for number in range(100)}, {})
    assert len(found) == MOST_PARTS
    (grouped,) = [part for part in found if part.grouped]
    assert grouped.title == f"{len(grouped.paths)} more folders in the top folder"


def test_a_large_flat_folder_falls_apart_by_its_imports() -> None:
    files = {f"p/{team}{number:02}.py": 10 for team in ("ab", "cd") for number in range(30)}
    imports = {path: [f"p/{path[2:4]}00.py"] for path in files}
    found = find_parts(files, imports)
    for part in found:
        assert len({path[2:4] for path in part.paths}) == 1, part.title
    assert "p/ab00.py and 29 more" in [part.title for part in found]


def test_clusters_are_as_many_as_wanted_even_of_strangers() -> None:
    assert len(clusters([f"{number}.py" for number in range(20)], {}, 4)) == 4


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("src/app.py", "code"), ("tests/test_a.py", "tests"), ("pkg/a_test.go", "tests"), ("a.test.ts", "tests"),
        ("src/testing.py", "code"), ("cli/tests.py", "code"), ("src/tests.rs", "tests"), ("docs/conf.py", "around"),
        ("examples/x/tests/test_a.py", "tests"), ("src/tools/x.py", "code"), ("tools/x.py", "around"),
        ("vendor/x/y.go", "around"), ("runtime-tests/x.ts", "tests"), ("testing/x.py", "tests"),
        ("latest/x.py", "code"), ("asv_bench/benchmarks/x.py", "around"), ("src/testing/x.py", "code"),
        (".github/x.py", "around"), ("contest/x.py", "code"),
    ],
)  # fmt: skip
def test_what_a_file_is_for(path: str, role: str) -> None:
    assert role_of(path) == role


def test_a_repository_of_examples_is_about_them() -> None:
    assert [part.role for part in find_parts({"examples/a.py": 3}, {})] == ["code"]
    assert [part.role for part in find_parts({"tests/test_a.py": 3}, {})] == ["code"]
    assert role_of("docs/x.py", named="docs") == "code"


def test_what_stands_beside_the_code_is_named_by_what_it_is() -> None:
    files = {
        "a.py": 9,
        "tests/x.py": 3,
        "examples/tests/y.py": 2,
        "examples/z.py": 2,
        "examples/w.py": 2,
        "tests/v.py": 1,
    }
    found = [(part.title, part.role) for part in find_parts(files, {}) if part.role != "code"]
    assert found == [("tests", "tests"), ("examples/tests/y.py (tests)", "tests"), ("examples", "around")]


def test_uses_count_files_and_keep_the_first_lines() -> None:
    parts = find_parts({f"{folder}/{name}.py": 10 for folder in "abcdefghij" for name in ("x", "y")}, {})
    graph = {"a/x.py": {"b/x.py": 7, "b/y.py": 3, "a/y.py": 1}, "a/y.py": {"b/x.py": 2, "gone.py": 1}}
    assert uses_between(parts, graph) == {
        (0, 1): Use(2, [Citation("a/x.py", 3, 3), Citation("a/y.py", 2, 2)]),
    }
    assert joined({"a": {"b": 1}}, {"a": {"b": 9, "c": 2}}) == {"a": {"b": 1, "c": 2}}


GO = {
    "go.mod": "module x.example/m\n",
    "a.go": 'package m\n\nimport "net/http"\n\nfunc A() {\n\thttp.Serve()\n\tB()\n\thelp()\n\tboth()\n}\n'
    "\nfunc both() {}\n",
    "b.go": "package m\n\nfunc B() {}\n\nfunc Serve() {}\n\nfunc both() {}\n",
    "a_test.go": "package m\n\nfunc help() {}\n\nfunc TestA() { A() }\n",
}


def test_in_go_files_of_a_folder_call_each_other_without_a_word(tmp_path: Path) -> None:
    known = known_of(GO, tmp_path)
    assert calls_in_folders(known.blobs, known.links) == {"a.go": {"b.go": 7}, "a_test.go": {"a.go": 5}}


def test_what_packages_hand_out(tmp_path: Path) -> None:
    files = {
        "lib/index.ts": "import { Local } from './local'\nexport { Remote } from './remote'\n"
        "export function own() {}\n",
        "lib/local.ts": "export class Local {}\n",
        "lib/remote.ts": "export class Remote {}\n",
        "lib/inner/index.ts": "export function inner() {}\n",
        "py/__init__.py": "from py.a import A, B\nfrom py.a import _c\nfrom typing import Any\n",
        "py/a.py": "class A: ...\nclass B: ...\n_c = 1\n",
        "py/sub/__init__.py": "from py.a import A\n",
    }
    page = entries_page(survey(known_of(files, tmp_path)))
    assert page is not None
    (table,) = [block for section in page.sections for block in section.blocks if isinstance(block, Table)]
    assert {(row.cells[0], row.cells[1]) for row in table.rows} == {
        ((Code("lib/index.ts"),), (Code("Remote"),)),
        ((Code("lib/index.ts"),), (Code("own"),)),
        ((Code("py/__init__.py"),), (Code("A, B"),)),
    }


def test_a_file_that_went_since_the_index_was_made_is_left_out(tmp_path: Path) -> None:
    known = known_of(SHOP, tmp_path)
    less = known_of({path: text for path, text in SHOP.items() if path != "shop/till.py"}, tmp_path)
    found = survey(replace(known, contents=less.contents))
    assert "shop/till.py" not in [path for part in found.parts for path in part.paths]


def test_few_arrows_are_all_drawn_and_of_many_those_that_follow_are_not() -> None:
    few = {(0, 1): Use(1), (1, 2): Use(1), (0, 2): Use(1)}
    assert set(drawn_arrows(few, range(3))) == set(few)
    chain = {(start, end): Use(1) for start in range(12) for end in range(start + 1, 12)}
    assert set(drawn_arrows(chain, range(12))) == {(start, start + 1) for start in range(11)}
    assert drawn_arrows(chain, [3, 9]) == {(3, 9): 1}


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.tuples(st.integers(0, 14), st.integers(0, 14)), st.integers(1, 9), max_size=120))
def test_what_is_joined_stays_joined(weights: dict[tuple[int, int], int]) -> None:
    uses = {pair: Use(weight) for pair, weight in weights.items() if pair[0] != pair[1]}
    kept = drawn_arrows(uses, range(15))
    assert kept.items() <= {pair: use.files for pair, use in uses.items()}.items()
    assert {end for pair in kept for end in pair} == {end for pair in uses for end in pair}


def test_labels_fit_their_boxes() -> None:
    assert shared_folder(["a/b/c/", "a/b/d/"]) == "a/b/"
    assert shared_folder(["a/", "/"]) == ""
    assert shared_folder([]) == ""
    assert box_label("a/b/c.py", "a/b/") == "c.py"
    assert box_label("a/very/long/way/to/some/module.py") == "…/way/to/some/module.py"
    assert box_label("a/b/", "a/b/") == "a/b/"


def test_an_author_is_shown_spans_within_the_files(tmp_path: Path) -> None:
    found = survey(known_of(SHOP, tmp_path))
    for number, part in enumerate(found.parts):
        spans = spans_of(found, number)
        assert spans == sorted(spans, key=lambda one: (one.path, one.start))
        for span in spans:
            assert 1 <= span.start <= span.end <= found.known.lines_of(span.path)
            assert span.path in part.paths


def test_the_shop(tmp_path: Path) -> None:
    found = survey(known_of(SHOP, tmp_path))
    by_title = {part.title: number for number, part in enumerate(found.parts)}
    till, goods = by_title["shop/till.py"], by_title["shop/goods.py"]
    assert found.uses[till, goods].examples == [Citation("shop/till.py", 3, 3)]
    assert [name.name for name in found.names[goods]] == ["Goods", "Price"]
    assert [(entry.kind, entry.name, entry.leads_to) for entry in found.entries] == [
        ("program", "shop", "shop.cli:main"), ("command", "pay", "pay"), ("main", "shop/cli.py", ""),
    ]  # fmt: skip
    about = found.about(found.parts[by_title["shop/till.py"]])
    assert about is not None
    assert about.pieces == ("Where it is paid.",)
