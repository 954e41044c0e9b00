"""Reports as Markdown and drawn: what a candidate's text says stays text, and nothing outgrows what GitHub takes."""

import math
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.rendering.chart import chart
from kernels.rendering.markdown import LONGEST, summary
from kernels.rendering.words import code, error, seconds, title
from kernels.verdicts import Verdict

SVG = "{http://www.w3.org/2000/svg}"


def kind(inputs: str = "float32[64, 256]", *, right: bool = True, part: float | None = 0.1) -> dict[str, Any]:
    return {
        "inputs": inputs, "cells": 24, "passed": 24 if right else 3, "error": 3.1e-6, "native_error": 2.2e-6,
        "share_of_allowed": part,
    }  # fmt: skip


def report(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "verdict": "faster", "stage": "confirm", "wrong": None, "line": None, "conclusion": "success",
        "reasons": ["right in 24 cells"],
        "correctness": {**kind(), "left_out": [], "double_precision": True, "kinds": [kind()]},
        "timing": {
            "speedup": 1.83, "interval_95": [1.79, 1.87], "smallest_effect": 0.02,
            "baseline_against_itself_95": [0.99, 1.01], "baseline": "eager, one thread", "baseline_s": 2e-3,
            "candidate_s": 1.1e-3, "calls": 700, "outputs_checked": 24, "blocks": 12,
        },
        "findings": [], "audit": {"checks": ["inputs_stay"]},
        "task": {"name": "softmax", "hash": "a" * 64, "audit": {"notes": []}},
        "candidate": {"name": "fast.py", "hash": "b" * 64},
        "isolation": "bubblewrap", "device": "cpu", "repro": "forgehand kernel verify softmax fast.py",
    }  # fmt: skip
    return {**found, **more}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_sentence(verdict: Verdict) -> None:
    text = summary(report(verdict=verdict.value, timing=None))
    assert text.splitlines()[0].endswith(".")
    assert title(report(verdict=verdict.value, timing=None)).startswith(verdict.value)


def test_what_stands_in_a_report() -> None:
    finding = {"rule": "threads_left", "tier": "support", "evidence": "2 more threads", "line": 7}
    text = summary(report(findings=[finding], line=7), page="https://forgehand.example/kernels/4")
    for part in (
        "| `float32[64, 256]` | 24 of 24 | 3.1e-06 | 2.2e-06 | 10% |",
        "| Candidate | 1.1 ms | 1.83 times [1.79, 1.87] |",
        "| Baseline (eager, one thread) | 2 ms |",
        "[Report with chart](https://forgehand.example/kernels/4)",
        "- support: `2 more threads` (`fast.py`, line 7)",
        "- Line 7 of it",
        "```sh\nforgehand kernel verify softmax fast.py\n```",
    ):
        assert part in text


def test_all_baselines_and_the_roofline_are_shown_where_they_are_known() -> None:
    timing = report()["timing"] | {
        "baselines": [{"name": "eager", "seconds": 2e-3}, {"name": "torch.compile", "seconds": 1.5e-3},
                      {"name": "left out", "seconds": None}],
        "roofline": {"share": 0.42, "limited_by": "memory", "seconds": 4e-4},
    }  # fmt: skip
    text = summary(report(timing=timing))
    assert "| Baseline (torch.compile) | 1.5 ms |" in text
    assert "the reference's work in 400 µs a call, limited by memory: 42% of that speed is reached." in text
    assert "left out" not in text


def test_what_was_compiled_or_why_not() -> None:
    extension = {"name": "fast", "flags": ["-O3"], "seconds": 7.94, "cached": False}
    built = {"errors": [], "extensions": [extension, extension | {"name": "kept", "flags": [], "cached": True}]}
    text = summary(report(compile=built))
    assert "| `fast` | `-O3` | 7.94 s |" in text
    assert "| `kept` | `no flags` | was there |" in text
    assert "Nothing was built." in summary(report(compile={"errors": [], "extensions": []}))
    error = "line 9: fast.cpp:3:1: error: `x` was not declared <script>"
    text = summary(report(verdict="compile_error", timing=None, compile={"errors": [error], "extensions": []}))
    assert f"### The compiler says\n\n- {code(error)}" in text


def test_what_of_a_kernel_for_a_gpu_was_not_checked() -> None:
    kernel = {"name": "_softmax", "target": "sm_90a", "registers": 32, "spilled_bytes": 8, "shared_bytes": 1024}
    found = {"kernels": [kernel], "checked": ["24 cells in the interpreter"], "not_checked": ["speed"]}
    text = summary(report(verdict="needs_gpu", timing=None, without_gpu=found))
    assert "| `_softmax` | `sm_90a` | 32 | 8 B | 1024 B |" in text
    assert "- Checked: `24 cells in the interpreter`\n- **Not checked**: `speed`" in text
    assert "| Kernel |" not in summary(report(without_gpu=found | {"kernels": []}))


def test_gradients_and_what_is_said_of_the_baseline() -> None:
    gradients = {"cells": 6, "compared": 18, "error": 1.2e-7, "native_error": 1.3e-7}
    timing = report()["timing"] | {"baseline_note": "quick: only eager mode is a baseline"}
    text = summary(report(gradients=gradients, timing=timing))
    assert "Gradients: 18 compared in 6 cells, error 1.2e-07, the reference's own 1.3e-07." in text
    assert "`quick: only eager mode is a baseline`" in text


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (report(), "faster: 1.83 times [1.79, 1.87] the baseline's speed"),
        (report(verdict="incorrect", wrong="numerical", stage="correct"),
         "incorrect (numerical) at correct, 24 of 24 cells right"),
        (report(verdict="incorrect", wrong="shape", stage="correct", correctness=None),
         "incorrect (shape) at correct, no cell right"),
        (report(verdict="oom", stage="load", timing=None), "oom at load"),
    ],
)  # fmt: skip
def test_titles(given: dict[str, Any], wanted: str) -> None:
    assert title(given) == wanted


@pytest.mark.parametrize(
    ("value", "text"), [(2.0, "2 s"), (1.234e-3, "1.23 ms"), (4.56e-5, "45.6 µs"), (3e-8, "0.03 µs")]
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0.0, "0"), (3.14159e-6, "3.1e-06")])
def test_errors(value: float | None, text: str) -> None:
    assert error(value) == text


@given(st.text(max_size=400))
def test_nothing_ends_a_code_span(text: str) -> None:
    span = code(text)
    fence = re.match("`+", span)
    assert fence is not None
    inner = span[len(fence.group()) : -len(fence.group())]
    assert span.endswith(fence.group())
    assert fence.group() not in re.findall("`+", inner)
    assert "|" not in span
    assert "\n" not in span


HOSTILE = "</text><script>alert(1)</script> @everyone ![x](http://evil) | ```\n# big"


@given(st.text(max_size=200))
def test_a_reports_foreign_text_stays_text(text: str) -> None:
    finding = {"rule": "r", "tier": "support", "evidence": text, "line": None}
    given_report = report(
        reasons=[text], findings=[finding], candidate={"name": text, "hash": "b" * 64}, isolation=text,
        correctness={**kind(text), "left_out": [], "double_precision": True, "kinds": [kind(text)]},
    )  # fmt: skip
    assert len(summary(given_report)) <= LONGEST
    ElementTree.fromstring(chart(given_report))


def test_hostile_text_is_no_element_and_no_mention() -> None:
    finding = {"rule": "r", "tier": "support", "evidence": HOSTILE, "line": None}
    bad = report(reasons=[HOSTILE], findings=[finding], repro=HOSTILE)
    bad["correctness"]["kinds"] = [kind(HOSTILE)]
    drawn = ElementTree.fromstring(chart(bad))
    assert {one.tag.removeprefix(SVG) for one in drawn.iter()} <= {
        "svg", "title", "desc", "style", "rect", "text", "line", "circle",
    }  # fmt: skip
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", summary(bad).split("Do it again")[0])
    assert "@everyone" not in outside
    assert "![x]" not in outside


def test_a_report_of_any_size_fits() -> None:
    many = [{"rule": "r", "tier": "telemetry", "evidence": "x" * 4000, "line": 1}] * 5000
    kinds = [kind(f"float32[{number}, {'9' * 100}]") for number in range(4000)]
    text = summary(report(reasons=["y" * 4000] * 500, findings=many, correctness={**kind(), "left_out": ["z"] * 900,
                   "double_precision": False, "kinds": kinds}))  # fmt: skip
    assert len(text) <= LONGEST
    assert "more kinds of inputs are not shown" in text
    assert "It could not be computed in double precision." in text


ratios = st.floats(1e-3, 1e3)


@given(st.tuples(ratios, ratios, ratios).map(sorted), st.floats(0, 3))
def test_an_interval_is_drawn_within_the_drawing(three: list[float], effect: float) -> None:
    timing = report()["timing"] | {
        "interval_95": [three[0], three[2]], "speedup": three[1], "smallest_effect": effect,
    }  # fmt: skip
    drawn = ElementTree.fromstring(chart(report(timing=timing)))
    for one in drawn.iter(f"{SVG}circle"):
        assert 0 <= float(one.attrib["cx"]) <= 720
    for one in drawn.iter(f"{SVG}line"):
        assert 0 <= float(one.attrib["x1"]) <= float(one.attrib["x2"]) <= 720
    for one in drawn.iter(f"{SVG}rect"):
        assert float(one.attrib["width"]) >= 0
        assert float(one.attrib.get("x", 0)) + float(one.attrib["width"]) <= 721
        assert math.isfinite(float(one.attrib.get("y", 0)))


def test_a_wrong_kind_of_inputs_is_drawn_as_wrong() -> None:
    found = report(verdict="incorrect", wrong="numerical", timing=None)
    found["correctness"]["kinds"].append(kind("float32[7, 256]", right=False, part=None))
    drawn = chart(found)
    assert 'class="x"' in drawn
    assert ">wrong<" in drawn
    assert 'class="x"' not in chart(report())


def test_a_report_without_numbers_says_its_verdict() -> None:
    drawn = chart(report(verdict="parse_error", stage="parse", timing=None, correctness=None))
    assert drawn.count("parse_error at parse") == 3, "the title, the description and the drawing itself"
