"""The page of a kernel's check: what it says, and that nothing a candidate says comes alive on it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import pytest

from app import create_app
from app.kernel_page import kernel_page, repository_page
from store import Database, kernel_checks, kernel_looks, leasing
from store.kernel_checks import NewCheck
from store.kernel_looks import NewLook
from store.schema import KernelCheck, KernelLook
from tests.app.serving import serving, web_settings

EVIL = "</td></table><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
CHART = '<svg xmlns="http://www.w3.org/2000/svg"><title>faster</title></svg>'


def document(text: str = "right in 72 cells") -> dict[str, Any]:
    """A report as the worker stores it, with `text` wherever a task, a candidate or its process may put text."""
    return {
        "verdict": "needs_review",
        "wrong": None,
        "line": 7,
        "reasons": [text],
        "correctness": {
            "cells": 72,
            "passed": 71,
            "error": 1.5e-7,
            "native_error": None,
            "share_of_allowed": 0.25,
            "left_out": [text],
            "double_precision": False,
            "kinds": [
                {"inputs": text, "cells": 8, "passed": 7, "error": 0.0, "native_error": 2e-7, "share_of_allowed": None}
            ],
        },
        "timing": {
            "speedup": 3.25,
            "interval_95": [3.1, 3.4],
            "smallest_effect": 0.015,
            "baseline": text,
            "baseline_note": text,
            "roofline": {"share": 0.42, "limited_by": text},
            "baseline_s": 0.00123,
            "candidate_s": 3.8e-7,
            "outputs_checked": 40,
            "calls": 4000,
        },
        "findings": [{"rule": text, "tier": "support", "evidence": text, "line": 9}],
        "gradients": {"cells": 24, "compared": 48, "error": 1e-7, "native_error": 2e-7, "share_of_allowed": 0.1},
        "compile": {
            "errors": [text],
            "extensions": [{"name": text, "functions": [text], "bytes": 41, "seconds": 2.0}],
        },
        "without_gpu": {
            "checked": [text],
            "not_checked": [text],
            "kernels": [{"name": text, "target": text, "registers": 32, "spilled_bytes": 0, "shared_bytes": 48}],
        },
        "audit": {"checks": [text]},
        "task": {"name": text, "hash": "d" * 64, "audit": {"notes": [text]}},
        "candidate": {"name": text, "hash": "c" * 64},
        "isolation": text,
        "device": "cpu",
        "repro": text,
    }


def put(database: Database, *, text: str = "right", entry: dict[str, Any] | None = None, **columns: Any) -> str:
    """A check in the store, with its verdict when columns are given; its id."""
    with database.write() as session:
        kernel_looks.want_look(session, NewLook("github:9:17:abc", 5, 9, "octo/spoon", 17), now=0)
        (due,) = kernel_looks.due_looks(session, now=0)
        look = leasing.take(session, KernelLook, due, "w", now=0, lease_s=9)
        assert look is not None
        paths = {"reference": "ref.py", "candidate": "new.py", "options": {}, "claims": None} | (entry or {})
        new = NewCheck("softmax", "a" * 40, "b" * 40, "d", paths, "cpu", columns.pop("unread", None), 0.0)
        check_id = kernel_checks.want_check(session, look, new, again=False, now=0).id
        kernel_checks.note_check_run(session, check_id, 1, 44, "https://github.com/octo/spoon/runs/44")
        if columns:
            held = kernel_checks.claim(session, check_id, "w", now=0, lease_s=9, gpu=False)
            assert held is not None
            kernel_checks.record(session, held, **columns)
    return check_id


def fetch(database: Database, path: str) -> httpx.Response:
    with serving(create_app(web_settings(), database)) as client:
        return client.get(path)


def words(answer: httpx.Response) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", answer.text))


def test_what_the_page_says(sqlite_database: Database) -> None:
    given = document()
    check_id = put(sqlite_database, verdict="needs_review", conclusion="action_required", document=given, chart=CHART)
    answer = fetch(sqlite_database, f"/kernels/{check_id}")
    assert answer.status_code == 200
    said = " ".join(words(answer).split())
    for part in (
        "Kernel softmax",
        "needs_review : a person has to look",
        "3.25 times [3.10, 3.40]",
        "1.23 ms",
        "0.38 µs",
        "40 outputs of 4000 timed calls were looked at",
        "71 of 72",
        "42% of what this machine could do at most",
        "48 in 24 cells",
        "Not checked",
        "41 bytes in 2.0 s",
        "1.5e-07",
        "It could not be computed in double precision. 1 cells are left out",
        "new.py:7",
        "support : right in 72 cells at new.py:9",
        "Do it again",
    ):
        assert part in said
    links = re.findall(r'href="([^"]+)"', answer.text)
    assert f"https://github.com/octo/spoon/blob/{'a' * 40}/new.py#L9" in links
    assert f"https://github.com/octo/spoon/blob/{'b' * 40}/ref.py" in links
    assert "https://github.com/octo/spoon/runs/44" in links
    assert f'src="/kernels/{check_id}/chart.svg"' in answer.text


def test_nothing_foreign_comes_alive(sqlite_database: Database) -> None:
    check_id = put(
        sqlite_database,
        entry={"reference": f"{EVIL}.py", "candidate": f"{EVIL}.py"},
        unread=EVIL,
        verdict="needs_review",
        conclusion="action_required",
        document=document(EVIL),
    )
    answer = fetch(sqlite_database, f"/kernels/{check_id}")
    assert "<script" not in answer.text
    assert "<img" not in answer.text
    assert "alert(1)" in words(answer), "it is shown"
    for attribute in re.findall(r'="([^"]*)"', answer.text):
        assert "alert(2)" not in unescape(attribute) or attribute.startswith("https://github.com/octo/spoon/blob/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self'" in policy
    assert "script-src" not in policy


def test_the_chart_is_an_image_in_which_nothing_runs(sqlite_database: Database) -> None:
    check_id = put(sqlite_database, verdict="faster", conclusion="success", document=document(), chart=CHART)
    answer = fetch(sqlite_database, f"/kernels/{check_id}/chart.svg")
    assert answer.text == CHART
    assert answer.headers["content-type"] == "image/svg+xml; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_check_that_waits_says_so(sqlite_database: Database) -> None:
    answer = fetch(sqlite_database, f"/kernels/{put(sqlite_database)}")
    assert "Not verified yet; asked for at 1970-01-01 00:00 UTC." in words(answer)
    assert "chart.svg" not in answer.text


def test_a_verdict_without_a_report(sqlite_database: Database) -> None:
    said = {"verdict": "infra_error", "reasons": ["the disk is gone"]}
    answer = fetch(
        sqlite_database,
        f"/kernels/{put(sqlite_database, verdict='infra_error', conclusion='neutral', document=said)}",
    )
    assert "infra_error" in words(answer)
    assert "the disk is gone" in words(answer)
    assert "Correctness" not in answer.text


@pytest.mark.parametrize("path", ["/kernels/nothing", "/kernels/nothing/chart.svg", "/kernels/", "/kernels"])
def test_what_is_not_there(sqlite_database: Database, path: str) -> None:
    assert fetch(sqlite_database, path).status_code == 404


def test_a_check_without_a_chart_has_none(sqlite_database: Database) -> None:
    assert fetch(sqlite_database, f"/kernels/{put(sqlite_database)}/chart.svg").status_code == 404


@pytest.mark.parametrize(
    ("api", "page"),
    [
        ("https://api.github.com", "https://github.com/octo/spoon"),
        ("https://github.example.com/api/v3", "https://github.example.com/octo/spoon"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123/octo/spoon"),
    ],
)
def test_where_a_repository_has_its_page(api: str, page: str) -> None:
    assert repository_page(api, "octo/spoon") == page


def test_numbers_that_are_missing_are_dashes() -> None:
    given = document()
    given["timing"] |= {"speedup": None, "candidate_s": None, "baselines": [{"name": "eager", "seconds": 2.5}]}
    row = KernelCheck(
        id="x",
        kernel="softmax",
        repository="octo/spoon",
        number=17,
        head_sha="a" * 40,
        reference_sha="b" * 40,
        entry={"reference": "ref.py", "candidate": "new.py"},
        verdict="faster",
        conclusion="success",
        document=given,
        round=1,
    )
    text = kernel_page(row, repository_url="https://github.com/octo/spoon")
    assert "2.5 s" in text
    assert "<td>-</td><td>-</td>" in text
