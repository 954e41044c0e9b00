"""forges.github.base_branch and forges.github.change_guard."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forges.github.base_branch import BaseChoice, BaseSources, NoSuchBase, candidates, choose_base
from forges.github.change_guard import guard_change

EVERYTHING = BaseSources(
    explicit="explicit",
    pull_head="head",
    parent_pull_head="parent",
    labels=("bug", "base/labelled"),
    milestone="1.2",
    milestones={"1.2": "release/1.2"},
    configured="develop",
    default_branch="main",
)
ORDER = ["explicit", "head", "parent", "labelled", "release/1.2", "develop", "main"]
OFF: list[dict[str, Any]] = [
    {"explicit": None},
    {"pull_head": None},
    {"parent_pull_head": None},
    {"labels": ()},
    {"milestone": None},
    {"configured": None},
]


def test_the_order() -> None:
    assert [choice.branch for choice in candidates(EVERYTHING)] == ORDER
    sources = EVERYTHING
    for expected, change in zip(ORDER, [*OFF, {}], strict=True):
        assert choose_base(sources, lambda _: True).branch == expected
        sources = dataclasses.replace(sources, **change)


def test_what_does_not_exist_is_passed_over_and_told() -> None:
    sources = dataclasses.replace(EVERYTHING, explicit=None)
    choice = choose_base(sources, lambda branch: branch in {"labelled", "main"})
    assert choice == BaseChoice(
        "labelled",
        "label base/labelled",
        (
            "head (head of the pull request the request was made on)",
            "parent (head of the parent issue's open pull request)",
        ),
    )


def test_an_explicit_base_that_does_not_exist_is_asked_about() -> None:
    with pytest.raises(NoSuchBase, match="'explicit', and there is no such branch"):
        choose_base(EVERYTHING, lambda branch: branch == "main")


def test_a_repository_without_any_branch() -> None:
    with pytest.raises(NoSuchBase, match=r"no branch to work from: main \(default branch\) not found"):
        choose_base(BaseSources(default_branch="main"), lambda _: False)


@pytest.mark.parametrize("labels", [("base/a", "base/b"), ("BASE/a",), ("base",)])
def test_labels_that_name_no_one_branch(labels: tuple[str, ...]) -> None:
    assert choose_base(BaseSources(default_branch="main", labels=labels), lambda _: True).branch == "main"


def test_a_label_cannot_smuggle_an_option_to_git() -> None:
    asked: list[str] = []

    def exists(branch: str) -> bool:
        asked.append(branch)
        return True

    assert choose_base(BaseSources(default_branch="main", labels=("base/--exec=x",)), exists).branch == "main"
    assert asked == ["main"]


names = st.none() | st.sampled_from(["a", "b", "c"])


@given(names, names, names, st.sets(st.sampled_from(["a", "b", "c", "main"])))
def test_the_choice_exists_or_there_is_none(
    pull_head: str | None, parent: str | None, configured: str | None, existing: set[str]
) -> None:
    sources = BaseSources(default_branch="main", pull_head=pull_head, parent_pull_head=parent, configured=configured)
    named = [choice.branch for choice in candidates(sources)]
    try:
        choice = choose_base(sources, existing.__contains__)
    except NoSuchBase:
        assert not existing & set(named)
        return
    assert choice.branch == next(name for name in named if name in existing)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".github/workflows/ci.yml", "workflows"),
        (".GitHub/Workflows/ci.yml", "workflows"),
        (".github/workflows/deep/x", "workflows"),
        (".github/actions/setup/action.yml", "workflows"),
        ("CODEOWNERS", "owners"),
        (".github/CODEOWNERS", "owners"),
        ("docs/codeowners", "owners"),
        (".forgehand.yml", "own_config"),
        (".forgehand/playbook.md", "own_config"),
        (".github/dependabot.yml", None),
        ("src/.github/workflows/ci.yml", None),
        ("src/CODEOWNERS", None),
        ("src/.forgehand.yml", None),
        (".github/workflows.md", None),
        ("README.md", None),
    ],
)
def test_guarded_paths(path: str, kind: str | None) -> None:
    guard = guard_change([path, "src/a.py"])
    found = {name: paths for name in ("workflows", "owners", "own_config") if (paths := getattr(guard, name))}
    assert found == ({kind: (path,)} if kind else {})
    assert guard.needs_approval is (kind is not None)


def test_only_the_real_workflow_folder_takes_the_permission() -> None:
    assert guard_change([".github/workflows/ci.yml"]).needs_workflow_permission
    assert not guard_change([".github/actions/a/action.yml"]).needs_workflow_permission
    assert not guard_change([]).needs_approval
