"""Ways that do not go straight: other people's pushes, guarded files, other bases, CI that says no or nothing."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from store import proofs
from tests.workers.floor import Floor, durations_script, furnished_floor

WORKFLOW = ".github/workflows/ci.yml"
Script = dict[str, Any]


def right_at_once() -> Script:
    """The sample's script, with the rounding that CI asks for in the first change already: no repair is needed."""
    script = durations_script()
    script["phases"]["implement"][0]["call"][2]["args"]["new"] = (
        "            seconds += round(float(amount) * seconds_in(unit))"
    )
    return script


def turn(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"call": [{"tool": tool, "args": args} for tool, args in calls]}


def go_until(floor: Floor, wanted: Callable[[], Any], within_s: float = 60.0) -> None:
    """Works on, with polls passed at once, until `wanted` holds; the task must not end before."""
    deadline = time.monotonic() + within_s
    while not wanted():
        task = floor.task()
        assert task.finished_at is None, task.reason
        assert time.monotonic() < deadline, f"still {task.stage}: {kinds(floor)}"
        floor.relay_turn()
        if not floor.conductor.run(task.id):
            floor.twin.postman.wait_idle(5)
            time.sleep(0.1)  # CI is real and takes its time
            floor.pass_time(0.5)


def kinds(floor: Floor) -> list[str]:
    return [event.kind for event in floor.log()]


def api(floor: Floor, method: str, path: str, body: Any = None) -> Any:
    return floor.maria.ask(method, f"/repos/{floor.stage.repository}/{path}", body)


def tip(floor: Floor, branch: str) -> str:
    return str(api(floor, "GET", f"git/ref/heads/{branch}")["object"]["sha"])


def commit_on(floor: Floor, parent: str, message: str) -> str:
    """A commit of Maria's with the parent's own tree."""
    tree = api(floor, "GET", f"git/commits/{parent}")["tree"]["sha"]
    return str(api(floor, "POST", "git/commits", {"message": message, "tree": tree, "parents": [parent]})["sha"])


def push_to_main(floor: Floor, folder: Path, change: Callable[[Path], None]) -> str:
    """Maria changes the files of `main` with git; the new tip."""
    folder.mkdir()
    tree = folder / "tree"
    address = f"{floor.stage.url}/{floor.stage.repository}.git"
    address = address.replace("http://", f"http://x-access-token:{floor.stage.tokens['maria']}@")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    person = ["-c", "user.name=Maria", "-c", "user.email=maria@example.org"]

    def git(*arguments: str) -> None:
        done = subprocess.run(
            ["git", *person, *arguments], cwd=tree, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr

    tree.mkdir()
    git("clone", "-q", address, ".")
    change(tree)
    git("add", "--all")
    git("commit", "-qm", "Change the ground")
    git("push", "-q", "origin", "HEAD:main")
    return tip(floor, "main")


def ask(floor: Floor, words: str, number: int | None = None) -> None:
    floor.maria.comment(floor.stage.repository, number or floor.stage.issue, words)
    floor.take_in(lambda: bool(floor.tasks()))


def ended(floor: Floor, *, draft: bool | None = None) -> str:
    """Runs to the end, which must be with a person; the reason. `draft`: what its pull request must be, None: none."""
    task = floor.run()
    assert task.stage == "needs_human", (task.stage, task.reason)
    assert [pull["draft"] for pull in floor.pulls()] == ([] if draft is None else [draft])
    (comment,) = floor.comments()
    assert (task.reason or "")[:30] in comment["body"].replace("\\", "")
    return task.reason or ""


def verdict(floor: Floor) -> str:
    with floor.workshop.database.read() as session:
        proof = proofs.latest(session, floor.task().id)
    assert proof is not None
    return str(proof["verdict"])


# Other people's pushes


def test_commits_of_others_are_taken_over_and_a_rewritten_branch_is_theirs(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, script=right_at_once()) as floor:
        floor.assign()
        task = floor.run("in_review")
        branch, ours = task.branch or "", task.head_sha or ""
        theirs = commit_on(floor, ours, "A word from Maria")
        api(floor, "PATCH", f"git/refs/heads/{branch}", {"sha": theirs})
        floor.take_in()
        go_until(floor, lambda: "pushed_by_others" in kinds(floor))
        go_until(floor, lambda: floor.task().stage == "in_review")
        assert floor.task().head_sha == theirs
        rewritten = commit_on(floor, task.base_sha or "", "From scratch")
        api(floor, "PATCH", f"git/refs/heads/{branch}", {"sha": rewritten, "force": True})
        floor.take_in()
        reason = ended(floor, draft=False)
        assert "rewritten by somebody else" in reason
        assert theirs[:12] in reason
        assert tip(floor, branch) == rewritten


# Files only people may change


def test_a_workflow_is_left_out_and_named(tmp_path: Path) -> None:
    script = right_at_once()
    rename = {"tool": "edit", "args": {"path": WORKFLOW, "old": "name: CI\n", "new": "name: Our CI\n"}}
    script["phases"]["implement"][0]["call"].append(rename)
    with furnished_floor(tmp_path, script=script) as floor:
        floor.assign()
        task = floor.run("in_review")
        assert task.stage == "in_review", task.reason
        (pull,) = floor.pulls()
        changed = {one["filename"] for one in api(floor, "GET", f"pulls/{pull['number']}/files")}
        assert changed == {"durations/parsing.py", "tests/unit/test_parsing.py"}
        assert WORKFLOW in pull["body"]
        assert WORKFLOW in floor.comments()[0]["body"]


def test_a_workflow_left_out_of_a_repair_is_named_too(tmp_path: Path) -> None:
    script = durations_script()
    rename = {"tool": "edit", "args": {"path": WORKFLOW, "old": "name: CI\n", "new": "name: Our CI\n"}}
    script["phases"]["repair"][1]["call"].insert(0, rename)
    with furnished_floor(tmp_path, script=script) as floor:
        floor.assign()
        task = floor.run("in_review")
        assert task.stage == "in_review", task.reason
        (pull,) = floor.pulls()
        assert WORKFLOW not in {one["filename"] for one in api(floor, "GET", f"pulls/{pull['number']}/files")}
        assert WORKFLOW in pull["body"]
        assert WORKFLOW in floor.comments()[0]["body"]


def test_nothing_but_a_workflow_is_for_people(tmp_path: Path) -> None:
    script = right_at_once()
    rename = ("edit", {"path": WORKFLOW, "old": "name: CI\n", "new": "name: Our CI\n"})
    check = ("run", {"command": "python -m unittest discover -s tests/unit -t ."})
    script["phases"]["implement"][:2] = [turn(rename, check)]
    with furnished_floor(tmp_path, script=script) as floor:
        floor.assign()
        reason = ended(floor)
        assert WORKFLOW in reason
        assert "only people may change" in reason


# Where the work starts


def test_a_base_named_in_the_command(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, script=right_at_once()) as floor:
        api(floor, "POST", "git/refs", {"ref": "refs/heads/dev", "sha": tip(floor, "main")})
        ask(floor, "/forgehand fix base:dev")
        floor.run("watching_ci")
        task = floor.task()
        assert (task.stage, task.base_branch) == ("watching_ci", "dev"), task.reason
        (pull,) = floor.pulls()
        assert pull["base"]["ref"] == "dev"


def test_an_unknown_base_is_named(tmp_path: Path) -> None:
    with furnished_floor(tmp_path) as floor:
        ask(floor, "/forgehand fix base:nowhere")
        assert "'nowhere'" in ended(floor)


def test_somebody_elses_pull_request_gets_its_commit_and_no_other_is_opened(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, script=right_at_once()) as floor:
        before = commit_on(floor, tip(floor, "main"), "A beginning")
        api(floor, "POST", "git/refs", {"ref": "refs/heads/marias-work", "sha": before})
        said = {"title": "Decimals", "head": "marias-work", "base": "main", "body": "Mine.", "draft": True}
        number = api(floor, "POST", "pulls", said)["number"]
        ask(floor, "/forgehand fix", number)
        task = floor.run("in_review")
        assert (task.stage, task.pull_number) == ("in_review", number), task.reason
        (pull,) = floor.pulls()
        assert (pull["head"]["ref"], pull["head"]["sha"]) == ("marias-work", task.head_sha)
        assert (pull["body"], pull["draft"]) == ("Mine.", True), "what is theirs stays as they wrote it"
        parents = api(floor, "GET", f"git/commits/{task.head_sha}")["parents"]
        assert [one["sha"] for one in parents] == [before]


# CI


def test_ci_that_two_repairs_do_not_help(tmp_path: Path) -> None:
    script = durations_script()
    line = 'self.assertEqual(parse_duration("0.5d"), 43200)'
    for number, before, after in (("", line, f"{line}  # half a day"), ("#2", "# half a day", "# noon")):
        script["phases"][f"repair{number}"] = [
            turn(
                ("edit", {"path": "tests/unit/test_parsing.py", "old": before, "new": after}),
                ("run", {"command": "python -m unittest tests.unit.test_parsing"}),
            ),
            turn(("submit", {"summary": "Said why.", "test_commands": ["python -m unittest tests.unit.test_parsing"]})),
        ]
    with furnished_floor(tmp_path, script=script) as floor:
        floor.assign()
        reason = ended(floor, draft=True)
        assert "two repairs did not make the set of failing checks smaller" in reason
        assert "integration" in reason
        assert kinds(floor).count("repaired") == 2


def test_a_check_that_fails_on_the_base_too_is_not_ours(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, script=right_at_once()) as floor:

        def break_it(tree: Path) -> None:
            (tree / "tests/integration/logs/week.txt").write_text("nothing of the kind\n", encoding="utf-8")

        sha = push_to_main(floor, tmp_path / "maria", break_it)
        floor.assign()
        reason = ended(floor, draft=True)
        assert "fail on the base commit too" in reason
        assert "integration" in reason
        assert floor.task().base_sha == sha
        assert "repaired" not in kinds(floor)


def test_no_ci_is_said_and_never_called_green(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, script=right_at_once()) as floor:
        floor.twin.controls().ci(False)
        floor.assign()
        task = floor.run("in_review")
        assert task.stage == "in_review", task.reason
        assert "ci_absent" in kinds(floor)
        assert [event.data["state"] for event in floor.log() if event.kind == "ci"] == ["unknown"]
        assert "CI: green" not in floor.comments()[0]["body"]


def test_a_required_check_that_never_comes_is_waited_for_and_said_once(tmp_path: Path) -> None:
    with furnished_floor(tmp_path, script=right_at_once()) as floor:
        floor.twin.controls().protect(floor.stage.repository, "main", ["deploy"])
        floor.assign()
        floor.run("watching_ci")
        go_until(floor, lambda: "ci" in kinds(floor))
        for _ in range(3):
            floor.pass_time(1)
            floor.conductor.run(floor.task().id)
        said = [event.data for event in floor.log() if event.kind == "ci"]
        assert [one["state"] for one in said] == ["blocked"]
        assert "deploy" in said[0]["reason"]
        assert floor.task().stage == "watching_ci"
        assert floor.pulls()[0]["draft"]
        floor.pass_time(floor.settings.ci_timeout_s + 1)
        assert "deploy" in ended(floor, draft=True)


# Proofs that do not hold


def test_a_reproduction_that_passes_on_the_base_is_handed_back_twice_and_ends_as_a_draft(tmp_path: Path) -> None:
    script = right_at_once()
    phases = script["phases"]
    shows_nothing = {
        "command": "python -c 'print(1)'",
        "files": ["tests/unit/test_parsing.py"],
        "expectation": "It says 1.",
    }
    phases["prove"][1]["call"][0]["args"]["reproduction"] = shows_nothing
    phases["prove"][0] = turn(("run", {"command": "python -c 'print(1)'"}))
    submit = phases["implement"][-1]["call"][-1]["args"]
    for number in (2, 3):
        change = ("run", {"command": f"echo 'try {number}' >> docs/time-logs.md"})
        tests = ("run", {"command": submit["test_commands"][0]})
        phases[f"implement#{number}"] = [turn(change, tests), turn(("submit", submit))]
        phases[f"prove#{number}"] = phases["prove"]
    with furnished_floor(tmp_path, script=script) as floor:
        floor.assign()
        reason = ended(floor, draft=True)
        assert "not proven" in reason
        assert kinds(floor).count("handed_back") == 2
        assert verdict(floor) == "unproven"


def test_a_repository_without_tests_says_so(tmp_path: Path) -> None:
    script = right_at_once()
    phases = script["phases"]
    phases["research"] = [turn(("read", {"path": "durations/parsing.py"})), phases["research"][-1]]
    phases["research"][1].pop("expect")
    phases["research"][1]["call"][0]["args"]["locations"].pop()
    change = phases["implement"][0]["call"][1:3]
    tried = {"tool": "run", "args": {"command": "python -c 'import durations'"}}
    submit = phases["implement"][-1]["call"]
    submit[0]["args"]["test_commands"] = ["python -c 'import durations'"]
    phases["implement"] = [{"call": [*change, tried]}, {"call": submit}]
    phases["prove"] = [turn(("submit", {"no_reproduction_reason": "Nothing here can be run.", "claims": []}))]

    def bare(tree: Path) -> None:
        for path in sorted(tree.rglob("*"), reverse=True):
            kept = path.relative_to(tree).parts[0] in (".git", "durations", "README.md")
            if path.is_file() and not kept:
                path.unlink()
        (tree / "README.md").write_text("# Durations\n\nReads durations.\n", encoding="utf-8")

    with furnished_floor(tmp_path, script=script) as floor:
        push_to_main(floor, tmp_path / "maria", bare)
        floor.assign()
        reason = ended(floor, draft=True)
        assert "no tests" in reason
        assert verdict(floor) == "no_tests"
        (pull,) = floor.pulls()
        assert "no test command" in pull["body"].lower()
