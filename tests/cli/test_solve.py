"""`forgehand solve` from the command line to the branch: what it leaves, what it never touches, how it ends."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.cli.ground import (
    ISSUE,
    SCRIPT,
    SUMS,
    Forgehand,
    call,
    git,
    make_repository,
    put,
    usual,
    write_script,
)

MODEL = f"scripted:{SCRIPT}"
KEYS = {
    "outcome", "reason", "branch", "commit", "patch", "proof", "trajectory", "steps", "tokens", "cost_usd", "seconds",
}  # fmt: skip


def state_of(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file of a working tree, and what git keeps about it: mode, time of change, content."""
    kept = {}
    for path in sorted(directory.rglob("*")):
        inside = path.relative_to(directory)
        of_git = inside.parts[0] == ".git"
        # A new branch is what solve is for: objects, branches and their logs may grow.
        if path.is_dir() or (of_git and inside.parts[1] in ("objects", "refs", "logs")):
            continue
        status = path.lstat()
        content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        kept[str(inside)] = (stat.S_IMODE(status.st_mode), status.st_mtime_ns, content)
    return kept


def test_a_proven_change_is_left_on_a_branch(forgehand: Forgehand, sums: Path, issue: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--out", out, "--json")
    assert ran.status == 0, ran.err
    said = ran.document
    assert set(said) >= KEYS
    assert said["outcome"] == "proven"
    assert said["branch"].startswith("forgehand/the-first-number-is-left-out-")
    assert git(sums, "rev-parse", said["branch"]) == said["commit"]
    assert git(sums, "rev-parse", f"{said['branch']}~1") == git(sums, "rev-parse", "main")
    assert git(sums, "diff", "--name-only", "main", said["branch"]).split() == ["sums.py", "tests/test_first.py"]
    assert said["steps"] == 8
    assert said["tokens"] > 0
    assert 0 < said["cost_usd"] < 1
    assert 0 < said["seconds"] < 60
    proof = json.loads(Path(said["proof"]).read_text())
    assert (proof["verdict"], proof["isolation"]) == ("proven", "bubblewrap")
    assert (out / "proof.md").read_text().startswith("### Proven")
    kinds = [json.loads(line)["entry"]["kind"] for line in Path(said["trajectory"]).read_text().splitlines()]
    assert kinds.count("replied") == 8
    assert kinds.count("opened") == 4
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "-q", str(sums), str(copy))
    git(copy, "apply", "--index", said["patch"])
    assert git(copy, "write-tree") == git(sums, "rev-parse", f"{said['commit']}^{{tree}}")


def test_the_working_tree_is_not_touched(forgehand: Forgehand, sums: Path, issue: Path) -> None:
    put(sums, {"sums.py": "half written", "staged.txt": "x", "untracked.txt": "y", "link": Path("/etc/passwd")})
    git(sums, "add", "staged.txt")
    os.utime(sums / "tests" / "test_sums.py", (1, 1))  # git would refresh its index for this file, given the chance
    hook = sums / ".git" / "hooks" / "reference-transaction"
    put(sums, {".git/hooks/reference-transaction": f"#!/bin/sh\ntouch {sums}/hooked\n"})
    hook.chmod(0o755)
    before = state_of(sums)
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json")
    assert ran.document["outcome"] == "proven", ran.err
    assert state_of(sums) == before
    assert git(sums, "show", f"{ran.document['branch']}:sums.py").count("half written") == 0


def test_people_see_progress_and_where_things_are(forgehand: Forgehand, sums: Path, issue: Path, state: Path) -> None:
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL)
    assert ran.status == 0
    assert ran.err == ""
    for line in ("Reading the code.", "Changing the code in a sandbox.", "Proof: proven.", "Done."):
        assert ran.out.count(line) == 1, line
    (folder,) = (state / "solve").iterdir()
    for name in ("patch.diff", "proof.md", "trajectory.jsonl"):
        assert str(folder / name) in ran.out
    assert "\x1b" not in ran.out


def test_the_issue_may_come_on_standard_input(
    forgehand: Forgehand, sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given"
    given.write_text(ISSUE)
    with given.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        ran = forgehand("solve", "--repo", sums, "--issue", "-", "--model", MODEL, "--json")
    assert ran.document["outcome"] == "proven", ran.err


@pytest.mark.parametrize("given", ["older", "v1", "sha", "unreachable", "detached"])
def test_the_base_is_a_branch_a_tag_a_commit_or_where_head_is(
    given: str, forgehand: Forgehand, sums: Path, issue: Path
) -> None:
    first = git(sums, "rev-parse", "HEAD")
    git(sums, "branch", "older")
    git(sums, "tag", "-a", "v1", "-m", "One")
    put(sums, {"sums.py": "def total(numbers):\n    return None\n"})
    git(sums, "commit", "-qam", "Broken")
    base = {"sha": ["--base", first], "detached": []}.get(given, ["--base", given])
    if given == "detached":
        git(sums, "checkout", "-q", "--detach", first)
    if given == "unreachable":
        tree = git(sums, "rev-parse", f"{first}^{{tree}}")
        base = ["--base", first := git(sums, "commit-tree", tree, "-m", "On no branch")]
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json", *base)
    assert ran.document["outcome"] == "proven", ran.err
    assert git(sums, "rev-parse", f"{ran.document['commit']}~1") == first


@pytest.mark.parametrize("kind", ["bare", "shallow", "worktree"])
def test_other_forms_of_a_repository(kind: str, forgehand: Forgehand, sums: Path, issue: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    put(sums, {"more.txt": "x"})
    git(sums, "add", ".")
    git(sums, "commit", "-qm", "Second")
    if kind == "worktree":
        git(sums, "worktree", "add", "-q", "-b", "side", str(other))
    else:
        git(
            tmp_path, "clone", "-q", *{"bare": ["--bare"], "shallow": ["--depth=1"]}[kind], f"file://{sums}", str(other)
        )
    ran = forgehand("solve", "--repo", other, "--issue", issue, "--model", MODEL, "--json")
    assert ran.document["outcome"] == "proven", ran.err
    assert git(other, "rev-parse", ran.document["branch"]) == ran.document["commit"]


def test_a_test_command_that_is_given_comes_first(forgehand: Forgehand, sums: Path, issue: Path) -> None:
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json", "--test", "true # mine")
    proof = json.loads(Path(ran.document["proof"]).read_text())
    assert {run["command"] for run in proof["commands"]} == {"true # mine"}


def test_a_change_without_tests_is_unproven_and_kept(forgehand: Forgehand, issue: Path, tmp_path: Path) -> None:
    bare_code = make_repository(tmp_path / "code", {"sums.py": SUMS["sums.py"], "README.md": "Sums.\n"})
    evidence = {"no_reproduction_reason": "Nothing can be executed here.", "claims": []}
    implement = [
        call("edit", path="sums.py", old="numbers[1:]", new="numbers"),
        call("run", command="python -c 'from sums import total; assert total([2, 3]) == 5'"),
        call(
            "submit",
            summary="All count.",
            test_commands=["python -c 'from sums import total; assert total([2, 3]) == 5'"],
            pr_title="Count",
        ),
    ]
    model = write_script(tmp_path / "s.yml", implement=implement, prove=[call("submit", **evidence)])
    ran = forgehand("solve", "--repo", bare_code, "--issue", issue, "--model", model, "--json")
    assert ran.status == 1
    said = ran.document
    assert said["outcome"] == "unproven"
    assert "no tests" in said["reason"]
    assert git(bare_code, "rev-parse", said["branch"]) == said["commit"]
    assert json.loads(Path(said["proof"]).read_text())["verdict"] == "no_tests"


def test_a_patch_that_does_not_apply_is_corrected(
    forgehand: Forgehand, sums: Path, issue: Path, tmp_path: Path
) -> None:
    wrong = "--- a/sums.py\n+++ b/sums.py\n@@ -1,2 +1,2 @@\n-def sum_of(things):\n+def sum_of(all_things):\n     pass\n"
    right = (
        "--- a/sums.py\n+++ b/sums.py\n@@ -3,3 +3,3 @@\n     # Every number counts.\n"
        "-    for number in numbers[1:]:\n+    for number in numbers:\n         result += number\n"
    )
    edits = usual("implement")
    edits[0]["call"][0] = {"tool": "apply_patch", "args": {"patch": right}}
    model = write_script(
        tmp_path / "s.yml",
        implement=[call("apply_patch", patch=wrong), {"expect": "sums.py", **edits[0]}, *edits[1:]],
    )
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", model, "--json")
    assert ran.document["outcome"] == "proven", ran.err
    entries = [json.loads(line)["entry"] for line in Path(ran.document["trajectory"]).read_text().splitlines()]
    patches = [entry["ok"] for entry in entries if entry["kind"] == "observed" and entry["tool"] == "apply_patch"]
    assert patches == [False, True]


def test_a_model_off_its_script_is_a_failure_with_a_reason(
    forgehand: Forgehand, sums: Path, issue: Path, tmp_path: Path
) -> None:
    model = write_script(tmp_path / "s.yml", plan=[{"expect": "never said", "say": "x"}])
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", model, "--json")
    assert ran.status == 1
    assert ran.document["outcome"] == "failed"
    assert "script mismatch" in ran.document["reason"]
    assert (ran.document["branch"], ran.document["patch"], ran.document["proof"]) == (None, None, None)
    assert git(sums, "branch", "--list", "forgehand/*") == ""


def test_a_used_up_budget_leaves_what_was_done_as_a_patch(
    forgehand: Forgehand, sums: Path, issue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGEHAND_TASK_BUDGET_STEPS", "5")
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json")
    assert (ran.status, ran.document["outcome"]) == (1, "needs_human")
    assert "step budget" in ran.document["reason"]
    assert ran.document["branch"] is None
    assert "+    for number in numbers:" in Path(ran.document["patch"]).read_text()


def test_without_walls_only_when_told_and_never_quietly(
    forgehand: Forgehand, sums: Path, issue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    refused = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json")
    assert (refused.status, refused.out) == (2, "")
    assert "bubblewrap" in refused.err
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json", "--allow-unisolated")
    assert ran.document["outcome"] == "proven", ran.err
    assert ran.document["isolation"] == "none"
    assert "NONE" in ran.err
    assert json.loads(Path(ran.document["proof"]).read_text())["isolation"] == "none"
    assert "without isolation" in Path(ran.document["proof"]).with_suffix(".md").read_text()


def test_results_inside_the_repository_are_hidden_from_git(forgehand: Forgehand, sums: Path, issue: Path) -> None:
    out = sums / "results" / "one"
    ran = forgehand("solve", "--repo", sums, "--issue", issue, "--model", MODEL, "--json", "--out", out)
    assert ran.document["outcome"] == "proven", ran.err
    assert (out / "patch.diff").exists()
    assert git(sums, "status", "--porcelain") == ""
