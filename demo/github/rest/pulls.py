"""Pull requests: made, changed, listed, merged. https://docs.github.com/rest/pulls/pulls"""

import re

from demo.github import git
from demo.github.clock import now, stamp
from demo.github.errors import Refusal, invalid, not_found
from demo.github.paging import page
from demo.github.pushes import RefUpdate, pushed
from demo.github.records import Happening, Issue, Pull, Repository
from demo.github.rest.issues import check_body, edit_text, next_number, set_state, tell
from demo.github.rest.repositories import REPO
from demo.github.routing import Call, Reply, route
from demo.github.shapes import commit as commits
from demo.github.shapes import people
from demo.github.shapes import pull as shapes

READ, WRITE = "pull_requests:read", "pull_requests:write"
_CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)


def _own_branch(repo: Repository, head: str) -> str:
    """`branch` or `owner:branch`, of this repository: the twin has no forks."""
    owner, colon, branch = head.partition(":")
    if not colon:
        return head
    if owner.lower() != repo.owner.lower():
        raise invalid("PullRequest", "head")
    return branch


@route("GET", f"{REPO}/pulls", needs=READ)
def pulls(call: Call) -> Reply:
    state, head, base = (call.query.get(name) for name in ("state", "head", "base"))
    found = [
        pull
        for pull in call.repo.pulls.values()
        if (state == "all" or call.repo.issues[pull.number].state == (state or "open"))
        and (head is None or f"{call.repo.owner}:{pull.head}".lower() == head.lower())
        and (base is None or pull.base == base)
    ]
    found.sort(key=lambda pull: pull.number, reverse=call.query.get("direction", "desc") == "desc")
    return page(call, found, lambda pull: shapes.simple_pull(call.view, call.repo, pull))


@route("GET", f"{REPO}/pulls/{{pull_number}}", needs=READ)
def pull(call: Call) -> Reply:
    """Answers with what is known of `mergeable` (null at first) and has it computed for the next request."""
    found, _ = call.pull()
    reply = Reply(200, shapes.pull(call.view, call.repo, found))
    if found.mergeable_for != (found.base_sha, found.head_sha):
        tree = git.merged_tree(call.repo.path, found.base_sha, found.head_sha)
        found.mergeable, found.mergeable_for = tree is not None, (found.base_sha, found.head_sha)
    return reply


@route("POST", f"{REPO}/pulls", needs=WRITE)
def create(call: Call) -> Reply:
    repo = call.repo
    title = call.field("title", str, "PullRequest")
    head, base = _own_branch(repo, call.field("head", str, "PullRequest")), call.field("base", str, "PullRequest")
    body = call.maybe("body", str)
    check_body(body, "PullRequest")
    if not call.has_role("write"):
        raise Refusal(403, "Must have push access to repository.")
    heads = git.refs(repo.path, "refs/heads/")
    for name, value in (("head", head), ("base", base)):
        if f"refs/heads/{value}" not in heads:
            raise invalid("PullRequest", name)
    head_sha, base_sha = heads[f"refs/heads/{head}"], heads[f"refs/heads/{base}"]
    for other in repo.pulls.values():
        if (other.head, other.base) == (head, base) and repo.issues[other.number].state == "open":
            message = f"A pull request already exists for {repo.owner}:{head}."
            raise Refusal(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])
    if not git.commits(repo.path, f"{base_sha}..{head_sha}", limit=1):
        message = f"No commits between {base} and {head}"
        raise Refusal(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])
    draft = bool(call.maybe("draft", bool))
    if draft and not repo.drafts_allowed:
        message = "Draft pull requests are not supported in this repository."
        raise Refusal(422, message)
    issue = Issue(call.world.next_id(), next_number(repo), title, body, call.login, is_pull=True, via_app=call.via_app)
    made = Pull(call.world.next_id(), issue.number, head, head_sha, base, base_sha, draft)
    repo.issues[issue.number], repo.pulls[issue.number] = issue, made
    git.run(repo.path, "update-ref", f"refs/pull/{issue.number}/head", head_sha)
    tell(call, issue, "opened")
    call.ci.pull_changed(repo, made, call.login, "opened")
    return Reply(201, shapes.pull(call.view, repo, made))


@route("PATCH", f"{REPO}/pulls/{{pull_number}}", needs=WRITE)
def edit(call: Call) -> Reply:
    found, issue = call.pull()
    if issue.user != call.login and not call.has_role("write"):
        raise Refusal(403, "Must have push access to repository.")
    edit_text(call, issue)
    base = call.maybe("base", str)
    if base is not None and base != found.base:
        _change_base(call, found, issue, base)
    state = call.maybe("state", str)
    if state not in (None, "open", "closed"):
        raise invalid("PullRequest", "state")
    if state == "open" and issue.state == "closed":
        _check_reopen(call, found)
    if state is not None:
        set_state(call, issue, state)
        if state == "open":
            call.ci.pull_changed(call.repo, found, call.login, "reopened")
    return Reply(200, shapes.pull(call.view, call.repo, found))


def _change_base(call: Call, found: Pull, issue: Issue, base: str) -> None:
    sha = git.refs(call.repo.path, f"refs/heads/{base}").get(f"refs/heads/{base}")
    if sha is None:
        raise invalid("PullRequest", "base")
    before = {"ref": {"from": found.base}, "sha": {"from": found.base_sha}}
    found.base, found.base_sha, issue.updated_at = base, sha, now()
    tell(call, issue, "edited", {"changes": {"base": before}})


def _check_reopen(call: Call, found: Pull) -> None:
    head = git.refs(call.repo.path, f"refs/heads/{found.head}").get(f"refs/heads/{found.head}")
    if found.merged_at is not None or head is None:
        message = "state cannot be changed. The pull request was merged or its branch is gone."
        raise invalid("PullRequest", "state", "invalid", message)
    found.head_sha = head


@route("GET", f"{REPO}/pulls/{{pull_number}}/files", needs=READ)
def files(call: Call) -> Reply:
    found, _ = call.pull()
    changed = shapes.changed_files(call.repo, found)
    return page(call, changed, lambda one: commits.diff_entry(call.view, call.repo, found.head_sha, one))


@route("GET", f"{REPO}/pulls/{{pull_number}}/commits", needs=READ)
def pull_commits(call: Call) -> Reply:
    found, _ = call.pull()
    own = shapes.own_commits(call.repo, found)
    return page(call, own, lambda one: commits.commit(call.view, call.repo, one))


@route("GET", f"{REPO}/pulls/{{pull_number}}/requested_reviewers", needs=READ)
def requested(call: Call) -> Reply:
    found, _ = call.pull()
    return Reply(200, {"users": [people.user(call.view, one) for one in found.requested_reviewers], "teams": []})


@route("POST", f"{REPO}/pulls/{{pull_number}}/requested_reviewers", needs=WRITE, role="write")
def request_reviewers(call: Call) -> Reply:
    found, issue = call.pull()
    wanted = [str(one) for one in call.maybe("reviewers", list) or []]
    for login in wanted:
        if not call.world.has_role(call.repo, login, "read") or login.lower() not in call.world.users:
            message = (
                "Reviews may only be requested from collaborators. One or more of the users or teams you specified"
            )
            raise Refusal(422, f"{message} is not a collaborator of the {call.repo.full_name} repository.")
        if login == issue.user:
            raise Refusal(422, "Review cannot be requested from pull request author.")
    for login in wanted:
        if login not in found.requested_reviewers:
            found.requested_reviewers.append(login)
            tell(call, issue, "review_requested", {"requested_reviewer": people.user(call.courier.view, login)})
    return Reply(201, shapes.simple_pull(call.view, call.repo, found))


@route("DELETE", f"{REPO}/pulls/{{pull_number}}/requested_reviewers", needs=WRITE, role="write")
def unrequest_reviewers(call: Call) -> Reply:
    found, issue = call.pull()
    for login in call.maybe("reviewers", list) or []:
        if login in found.requested_reviewers:
            found.requested_reviewers.remove(login)
            tell(call, issue, "review_request_removed", {"requested_reviewer": people.user(call.courier.view, login)})
    return Reply(200, shapes.simple_pull(call.view, call.repo, found))


@route("GET", f"{REPO}/pulls/{{pull_number}}/merge", needs=READ)
def merged(call: Call) -> Reply:
    found, _ = call.pull()
    if found.merged_at is None:
        raise not_found()
    return Reply(204)


@route("PUT", f"{REPO}/pulls/{{pull_number}}/merge", needs="contents:write", role="write")
def merge(call: Call) -> Reply:
    """Merges by a merge commit or a squash; rebasing is switched off in the twin's repositories."""
    found, issue = call.pull()
    method = call.maybe("merge_method", str) or "merge"
    wanted = call.maybe("sha", str)
    if issue.state != "open" or found.draft:
        raise Refusal(405, "Pull Request is not mergeable")
    if method == "rebase":
        raise Refusal(405, "Rebase merges are not allowed on this repository.")
    if wanted is not None and wanted != found.head_sha:
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    tree = git.merged_tree(call.repo.path, found.base_sha, found.head_sha)
    if tree is None:
        raise Refusal(405, "Pull Request is not mergeable")
    sha = _merge_commit(call, found, issue, tree, method)
    git.run(call.repo.path, "update-ref", f"refs/heads/{found.base}", sha, found.base_sha)
    update = RefUpdate(f"refs/heads/{found.base}", found.base_sha, sha)
    found.merged_at, found.merged_by, found.merge_commit_sha = now(), call.login, sha
    issue.timeline.append(Happening(call.login, f"merged {found.head_sha[:7]} into {found.base}"))
    set_state(call, issue, "closed")
    base_sha = found.base_sha
    pushed(call.courier, call.ci, call.repo, call.login, [update])
    found.base_sha = base_sha
    _close_fixed(call, found, issue)
    return Reply(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _merge_commit(call: Call, found: Pull, issue: Issue, tree: str, method: str) -> str:
    account = call.world.user(call.login)
    who = git.Person(account.login, f"{account.id}+{account.login}@users.noreply.github.com", stamp(now()))
    github = git.Person("GitHub", "noreply@github.com", stamp(now()))
    if method == "squash":
        title = call.maybe("commit_title", str) or f"{issue.title} (#{issue.number})"
        parents = [found.base_sha]
    else:
        title = f"Merge pull request #{issue.number} from {call.repo.owner}/{found.head}"
        title = call.maybe("commit_title", str) or title
        parents = [found.base_sha, found.head_sha]
    message = f"{title}\n\n{call.maybe('commit_message', str) or issue.title}\n"
    return git.commit_tree(call.repo.path, tree, parents, message, who, github)


def _close_fixed(call: Call, found: Pull, issue: Issue) -> None:
    """Closing keywords count only when the merge went into the default branch."""
    if found.base != call.repo.default_branch:
        return
    for number in {int(one) for one in _CLOSING.findall(issue.body or "")}:
        target = call.repo.issues.get(number)
        if target is not None and not target.is_pull:
            set_state(call, target, "closed", "completed")
