"""The results of the tests that exercise the changed code, beside it, without a say in the verdict."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from proofs import Exercised, Proof, render_markdown
from proofs.exercised import exercised, is_of
from proofs.results import Status


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("tests/test_a.py::TestA::test_x[1]", "tests/test_a.py"),
        ("2: tests/test_a.py::test_x", "tests/test_a.py"),
        ("tests.test_a.TestA::test_x", "tests/test_a.py"),
        ("tests.test_a::test_x[a.b::c]", "tests/test_a.py"),
        ("test_a.TestA.test_x", "tests/test_a.py"),
        ("src/a.test.ts > suite > name", "src/a.test.ts"),
        ("ex.org/shop/cart::TestTotal", "cart/cart_test.go"),
        ("tests/cart.rs::sums", "tests/cart.rs"),
    ],
)
def test_a_result_of_the_file(name: str, path: str) -> None:
    assert is_of(name, path)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("tests/test_ab.py::test_x", "tests/test_a.py"),
        ("tests.test_ab::test_x", "tests/test_a.py"),
        ("other.test_a::test_x", "tests/test_a.py"),
        ("$ make test", "tests/test_a.py"),
        ("test_x[tests/test_a.py::x]", "tests/test_a.py"),
        ("ex.org/shop/mycart::TestTotal", "cart/cart_test.go"),
        ("ex.org/shop/cart", "cart/cart_test.go"),
        ("src/a.test.tsx > name", "src/a.test.ts"),
        ("", "tests/test_a.py"),
    ],
)
def test_a_result_of_something_else(name: str, path: str) -> None:
    assert not is_of(name, path)


@given(some.text(max_size=40), some.text(max_size=40))
def test_any_name_and_path(name: str, path: str) -> None:
    is_of(name, path)


RESULTS: dict[str, Status] = {
    "tests/test_a.py::x": "passed", "tests/test_a.py::y": "failed", "tests/test_b.py::z": "passed",
    "other::z": "skipped",
}  # fmt: skip


def test_counts_are_those_of_the_named_files() -> None:
    found = exercised(
        {"a.py": ["tests/test_a.py", "tests/test_b.py"], "b.py": ["tests/test_c.py"], "c.py": []}, RESULTS
    )
    assert found == (
        Exercised("a.py", ("tests/test_a.py", "tests/test_b.py"), {"passed": 2, "failed": 1}),
        Exercised("b.py", ("tests/test_c.py",), {}),
        Exercised("c.py", (), {}),
    )


def test_bounds() -> None:
    found = exercised({f"{number}.py": [f"t{test}.py" for test in range(99)] for number in range(99)}, RESULTS)
    assert (len(found), len(found[0].tests)) == (50, 20)


def a_proof(*found: Exercised) -> Proof:
    return Proof("unproven", "x", "a" * 40, "b" * 40, "bubblewrap", exercised=found)


def test_it_goes_through_json_and_older_proofs_are_read() -> None:
    proof = a_proof(Exercised("a.py", ("tests/test_a.py",), {"passed": 2}), Exercised("b.py", (), {}))
    assert Proof.from_json(proof.to_json()) == proof
    document = json.loads(proof.to_json())
    assert document["exercised"][0] == {"path": "a.py", "tests": ["tests/test_a.py"], "counts": {"passed": 2}}
    del document["exercised"]
    assert Proof.from_json(json.dumps(document)) == a_proof()


@pytest.mark.parametrize("broken", [[{}], [1], {"a": 1}, None, [{"path": "a", "tests": 3, "counts": {}}]])
def test_a_malformed_document_is_refused(broken: object) -> None:
    document = json.loads(a_proof().to_json()) | {"exercised": broken}
    with pytest.raises(ValueError, match="not a proof document"):
        Proof.from_json(json.dumps(document))


def test_people_see_what_ran_and_what_nothing_exercises() -> None:
    text = render_markdown(
        a_proof(
            Exercised(
                "src/a|b`.py", ("tests/test_a.py", *(f"tests/t{number}.py" for number in range(9))), {"passed": 3}
            ),
            Exercised("lonely.py", (), {}),
            Exercised("go.go", ("go_test.go",), {}),
        )
    )
    assert "#### Tests of the changed code" in text
    assert "| ``src/a\\|b`.py`` | `tests/test_a.py`, `tests/t0.py`" in text
    assert "... | 3 passed |" in text
    assert "| `lonely.py` | no test exercises it |  |" in text
    assert "| `go.go` | `go_test.go` | no result names them |" in text
    assert "the verdict does not depend on it" in text
    assert "Tests of the changed code" not in render_markdown(a_proof())


def test_many_files_stay_within_a_comment() -> None:
    many = (Exercised("x" * 150 + f"{number}.py", tuple("y" * 150 for _ in range(20)), {}) for number in range(50))
    text = render_markdown(a_proof(*many))
    assert len(text) <= 60_000
    assert "25 more files are left out" in text
