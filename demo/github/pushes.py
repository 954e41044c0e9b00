"""What follows from moved refs, however they were moved: by git push, by the Git data API or by a merge."""

from dataclasses import dataclass

from demo.github import diffs, git
from demo.github.checkflow import request_suites
from demo.github.ci import Ci
from demo.github.clock import now
from demo.github.events import Courier
from demo.github.records import Happening, Pull, Repository
from demo.github.shapes import commit as commits
from demo.github.shapes import people
from demo.github.shapes import pull as pulls
from demo.github.shapes import repository as repositories
from demo.github.view import Json, View

HEADS = "refs/heads/"


@dataclass(frozen=True)
class RefUpdate:
    """One ref's move; `before` or `after` is all zeros when it was made or deleted."""

    ref: str
    before: str
    after: str


def changes(before: dict[str, str], after: dict[str, str]) -> list[RefUpdate]:
    """The updates that lead from one listing of refs to another."""
    names = sorted(before.keys() | after.keys())
    moves = [RefUpdate(name, before.get(name, git.ZERO), after.get(name, git.ZERO)) for name in names]
    return [move for move in moves if move.before != move.after]


def pushed(courier: Courier, ci: Ci, repository: Repository, sender: str, updates: list[RefUpdate]) -> None:
    """Tells the world about a push: events, pull requests brought up to date, check suites, CI. Call under the lock."""
    repository.pushed_at = now()
    for update in updates:
        if not update.ref.startswith((HEADS, "refs/tags/")):
            continue
        if update.before == git.ZERO:
            _emit_ref(courier, repository, sender, update, "create")
        _emit_push(courier, repository, sender, update)
        if update.after == git.ZERO:
            _emit_ref(courier, repository, sender, update, "delete")
        if update.ref.startswith(HEADS):
            _branch_moved(courier, ci, repository, sender, update)


def _branch_moved(courier: Courier, ci: Ci, repository: Repository, sender: str, update: RefUpdate) -> None:
    branch = update.ref.removeprefix(HEADS)
    if update.after == git.ZERO:
        for pull in _open(repository):
            if pull.head == branch:
                _close(courier, repository, pull, sender)
        return
    request_suites(courier, repository, update.after, branch, update.before, sender)
    ci.branch_pushed(repository, branch, update.after, sender)
    for pull in _open(repository):
        if pull.head == branch:
            _synchronize(courier, ci, repository, pull, sender, update)
        if pull.base == branch:
            pull.base_sha = update.after


def _open(repository: Repository) -> list[Pull]:
    return [p for p in repository.pulls.values() if repository.issues[p.number].state == "open"]


def _synchronize(courier: Courier, ci: Ci, repository: Repository, pull: Pull, sender: str, update: RefUpdate) -> None:
    _carry_comments(repository, pull, update)
    pull.head_sha = update.after
    git.run(repository.path, "update-ref", f"refs/pull/{pull.number}/head", update.after)
    issue = repository.issues[pull.number]
    issue.updated_at = now()
    issue.timeline.append(Happening(sender, f"pushed {update.after[:7]}"))
    courier.emit(
        "pull_request",
        "synchronize",
        repository,
        sender,
        lambda view: {
            "number": pull.number,
            "before": update.before,
            "after": update.after,
            "pull_request": pulls.pull(view, repository, pull),
        },
    )
    ci.pull_changed(repository, pull, sender)


def _carry_comments(repository: Repository, pull: Pull, update: RefUpdate) -> None:
    """Moves review comments along with their lines; one whose line was changed becomes outdated."""
    patches = {f.filename: f.patch for f in git.diff(repository.path, update.before, update.after)}
    for comment in repository.review_comments.values():
        patch = patches.get(comment.path)
        if comment.number != pull.number or comment.outdated or comment.side == "LEFT" or patch is None:
            continue
        if comment.line is not None and diffs.follow(patch, comment.line) is None:
            comment.outdated = True
        elif comment.line is not None:
            comment.line = diffs.follow(patch, comment.line)


def _close(courier: Courier, repository: Repository, pull: Pull, sender: str) -> None:
    issue = repository.issues[pull.number]
    issue.state, issue.closed_at, issue.closed_by, issue.updated_at = "closed", now(), sender, now()
    issue.timeline.append(Happening(sender, "deleted the branch and closed this"))
    courier.emit(
        "pull_request",
        "closed",
        repository,
        sender,
        lambda view: {"number": pull.number, "pull_request": pulls.pull(view, repository, pull)},
    )


def _emit_ref(courier: Courier, repository: Repository, sender: str, update: RefUpdate, event: str) -> None:
    _, kind, name = update.ref.split("/", 2)
    body: Json = {"ref": name, "ref_type": "branch" if kind == "heads" else "tag", "pusher_type": "user"}
    if event == "create":
        body |= {"master_branch": repository.default_branch, "description": repository.description}
    courier.emit(event, None, repository, sender, lambda view: body)


def _emit_push(courier: Courier, repository: Repository, sender: str, update: RefUpdate) -> None:
    courier.emit("push", None, repository, sender, lambda view: _push(view, repository, sender, update))


def _push(view: View, repository: Repository, sender: str, update: RefUpdate) -> Json:
    path = repository.path
    fresh: list[git.Commit] = []
    forced = False
    if update.after != git.ZERO:
        start = update.before if update.before != git.ZERO else f"refs/heads/{repository.default_branch}"
        tip_of_new = update.ref == f"{HEADS}{repository.default_branch}" and update.before == git.ZERO
        fresh = git.commits(
            path, update.after if tip_of_new else f"{start}..{update.after}", limit=20, oldest_first=True
        )
        forced = update.before != git.ZERO and git.merge_base(path, update.before, update.after) != update.before
    drawn = []
    for one in fresh:
        parent = one.parents[0] if one.parents else git.EMPTY_TREE
        drawn.append(commits.pushed_commit(view, repository, one, git.diff(path, parent, one.sha)))
    head = None
    if update.after != git.ZERO:
        last = git.commit(path, update.after)
        parent = last.parents[0] if last.parents else git.EMPTY_TREE
        head = commits.pushed_commit(view, repository, last, git.diff(path, parent, last.sha))
    owner = people.user(view, repository.owner)
    page = repositories.html_url(view, repository)
    return {
        "ref": update.ref,
        "before": update.before,
        "after": update.after,
        "created": update.before == git.ZERO,
        "deleted": update.after == git.ZERO,
        "forced": forced,
        "base_ref": None,
        "compare": f"{page}/compare/{update.before[:12]}...{update.after[:12]}",
        "commits": drawn,
        "head_commit": head,
        "pusher": {"name": sender, "email": f"{view.world.user(sender).id}+{sender}@users.noreply.github.com"},
        "repository": {  # push is the one event with epoch seconds here
            "created_at": int(repository.created_at.timestamp()),
            "pushed_at": int(repository.pushed_at.timestamp()),
            "master_branch": repository.default_branch,
            "stargazers": 0,
            "owner": {**owner, "name": repository.owner, "email": None},
        },
    }
