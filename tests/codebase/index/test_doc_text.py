"""The first paragraph of docstrings and comments."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebase.index.doc_text import is_legal, of_comment, of_docstring


@pytest.mark.parametrize(
    ("literal", "paragraph"),
    [
        ('"""Does it."""', "Does it."),
        ('r"""\n    Does it\n    well.\n\n    More.\n    """', "Does it well."),
        ("'x'", "x"),
        ('"""Short.\n    :param x: nothing\n    """', "Short."),
        ('""""""', ""),
        ("f'no'", "no"),
        ("nothing", ""),
    ],
)
def test_docstrings(literal: str, paragraph: str) -> None:
    assert of_docstring(literal) == paragraph


@pytest.mark.parametrize(
    ("comment", "paragraph"),
    [
        ("// One\n// two.\n//\n// three", "One two."),
        ("/** One. */", "One."),
        ("/**\n * One.\n * @param x two\n */", "One."),
        (
            "/// <summary>\n/// One.\n/// </summary>\n/// <param name='x'>two</param>",
            "One.",
        ),
        ("# -----\n# One\n# -----", "One"),
        ("//go:build linux", ""),
        ("// eslint-disable-next-line", "eslint-disable-next-line"),
        ("//! Crate.", "Crate."),
        ("/* a * b */", "a * b"),
        ("/**/", ""),
        ("# -*- coding: utf-8 -*-\n# One", "One"),
    ],
)
def test_comments(comment: str, paragraph: str) -> None:
    assert of_comment(comment) == paragraph


def test_legal_comments_are_known() -> None:
    assert is_legal("# Copyright (c) somebody")
    assert is_legal("// SPDX-License-Identifier: MIT")
    assert is_legal("#!/bin/sh")
    assert not is_legal("// Copies files.")


@given(st.text(max_size=500))
def test_any_text_has_a_paragraph_or_none(text: str) -> None:
    for found in (of_comment(text), of_docstring(text), of_docstring(f'"""{text}"""')):
        assert len(found) <= 1_000
        assert "\n" not in found


@pytest.mark.parametrize("piece", ["/", "*", "#", "<p", ":a", " ", "/*", "\\", "@"])
def test_no_comment_takes_long(piece: str) -> None:
    began = time.monotonic()
    of_comment(piece * 100_000)
    of_docstring('"""' + piece * 100_000 + '"""')
    assert time.monotonic() - began < 5
