"""The pages that people look at: repository, issue, pull request, checks, files, and the App's own pages."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import jinja2
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from demo.github import diffs, git, manifest, markdown
from demo.github.actors import Actor
from demo.github.ci import Ci
from demo.github.errors import Refusal, not_found
from demo.github.events import Courier
from demo.github.records import Issue, Pull, Repository, ReviewComment
from demo.github.rest.checks import press
from demo.github.routing import Call
from demo.github.shapes import pull as pulls
from demo.github.shapes.checks import latest_runs
from demo.github.world import World

HERE = Path(__file__).parent
SHOWN_HUNK = 6
FACES = {
    "+1": "\N{THUMBS UP SIGN}",
    "-1": "\N{THUMBS DOWN SIGN}",
    "laugh": "laugh",
    "confused": "confused",
    "heart": "heart",
    "hooray": "hooray",
    "rocket": "rocket",
    "eyes": "\N{EYES}",
}


def _time(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S UTC")


def _rendered(text: str | None, repo: Repository | None = None) -> Markup:
    return Markup(markdown.render(text, None if repo is None else f"/{repo.full_name}/issues/"))


_jinja = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_jinja.filters |= {
    "markdown": _rendered,
    "title_html": lambda text: Markup(markdown.title(text)),
    "time": _time,
    "first_line": lambda text: text.partition("\n")[0],
    "rest": lambda text: text.partition("\n")[2].strip("\n"),
    "patch": lambda text: list(diffs.lines(text.rstrip("\n"))),
    "tail": lambda text: text.split("\n")[-SHOWN_HUNK:],
}

Context = dict[str, Any]
Page = tuple[str, Context]


class Pages:
    """Draws pages from the world's records; each method answers one path, under the world's lock."""

    def __init__(self, world: World, courier: Courier, ci: Ci) -> None:
        self.world, self.courier, self.ci = world, courier, ci
        self._table: list[tuple[str, re.Pattern[str], Callable[..., Page | Response]]] = [
            ("GET", re.compile(r"^/$"), self.index),
            ("GET", re.compile(r"^/settings/apps/new$"), self.register),
            ("POST", re.compile(r"^/settings/apps/new$"), self.register),
            ("POST", re.compile(r"^/organizations/(?P<org>[^/]+)/settings/apps/new$"), self.register),
            ("GET", re.compile(r"^/apps/(?P<slug>[^/]+)(?:/installations/new)?$"), self.app),
            ("POST", re.compile(r"^/apps/(?P<slug>[^/]+)/installations/new$"), self.install),
            ("GET", re.compile(r"^/(?P<owner>[^/]+)/(?P<name>[^/]+)/?$"), self.repository),
            ("GET", re.compile(r"^/(?P<owner>[^/]+)/(?P<name>[^/]+)/issues/(?P<number>\d+)$"), self.issue),
            (
                "GET",
                re.compile(
                    r"^/(?P<owner>[^/]+)/(?P<name>[^/]+)/pull/(?P<number>\d+)(?P<tab>(?:/(?:commits|checks|files))?)$"
                ),
                self.pull,
            ),
            ("GET", re.compile(r"^/(?P<owner>[^/]+)/(?P<name>[^/]+)/runs/(?P<run_id>\d+)$"), self.check_run),
            ("POST", re.compile(r"^/(?P<owner>[^/]+)/(?P<name>[^/]+)/runs/(?P<run_id>\d+)/press$"), self.press),
            ("GET", re.compile(r"^/(?P<owner>[^/]+)/(?P<name>[^/]+)/commit/(?P<sha>[0-9a-f]{7,40})$"), self.commit),
            ("GET", re.compile(r"^/(?P<owner>[^/]+)/(?P<name>[^/]+)/blob/(?P<rest>.+)$"), self.file),
        ]

    async def answer(self, request: Request) -> Response | None:
        """The page at the request's path, or None when there is none of that form."""
        for method, pattern, handler in self._table:
            match = pattern.match(request.url.path)
            if match is None or method != request.method:
                continue
            form = _form(await request.body()) if method == "POST" else {}
            return await run_in_threadpool(self._draw, request, handler, match.groupdict(), form)
        return None

    def _draw(
        self, request: Request, handler: Callable[..., Page | Response], found: dict[str, str], form: dict[str, str]
    ) -> Response:
        try:
            if request.method == "POST" and not _same_site(request) and handler == self.press:
                raise Refusal(403, "This form was sent from another site")
            with self.world.lock:
                made = handler(request, form, **found)
                if isinstance(made, Response):
                    return made
                template, context = made
                ids = {user.login: user.id for user in self.world.users.values()}
                body = _jinja.get_template(template).render({"repo": None, "ids": ids, "faces": FACES, **context})
                return HTMLResponse(body)
        except Refusal as refusal:
            context = {
                "status": refusal.status,
                "message": refusal.message,
                "errors": refusal.errors or [],
                "repo": None,
            }
            return HTMLResponse(_jinja.get_template("problem.html").render(context), refusal.status)

    def index(self, request: Request, form: dict[str, str]) -> Page:
        apps = [app for app in self.world.apps.values() if app.public_key]
        return "index.html", {"repositories": list(self.world.repositories.values()), "apps": apps}

    def _repo(self, owner: str, name: str) -> Repository:
        found = self.world.repository(owner, name)
        if found.private:
            raise not_found()  # pages know no log-in: what is private has none
        return found

    def repository(self, request: Request, form: dict[str, str], owner: str, name: str) -> Page:
        repo = self._repo(owner, name)
        heads = git.refs(repo.path, "refs/heads/")
        branches = [(ref.removeprefix("refs/heads/"), git.commit(repo.path, sha)) for ref, sha in heads.items()]
        files: list[str] = []
        readme = ""
        if f"refs/heads/{repo.default_branch}" in heads:
            files = git.text(repo.path, "ls-tree", "-r", "--name-only", repo.default_branch).splitlines()
            if "README.md" in files:
                readme = git.text(repo.path, "cat-file", "blob", f"{repo.default_branch}:README.md")
        listed = sorted(repo.issues.values(), key=lambda issue: -issue.number)
        return "repository.html", {
            "repo": repo,
            "issues": [issue for issue in listed if not issue.is_pull],
            "pulls": [issue for issue in listed if issue.is_pull],
            "states": {number: _state(repo, pull) for number, pull in repo.pulls.items()},
            "branches": branches,
            "files": files,
            "readme": readme,
        }

    def issue(self, request: Request, form: dict[str, str], owner: str, name: str, number: str) -> Page | Response:
        repo = self._repo(owner, name)
        issue = repo.issues.get(int(number))
        if issue is None:
            raise not_found()
        if issue.is_pull:
            return RedirectResponse(f"/{repo.full_name}/pull/{number}")
        linked = [one for one in repo.issues.values() if one.is_pull and re.search(rf"#{number}\b", one.body or "")]
        return "issue.html", {
            "repo": repo,
            "issue": issue,
            "timeline": _timeline(repo, issue),
            "threads": [],
            "replies": {},
            "linked": linked,
            "states": {n: _state(repo, pull) for n, pull in repo.pulls.items()},
        }

    def pull(self, request: Request, form: dict[str, str], owner: str, name: str, number: str, tab: str) -> Page:
        repo = self._repo(owner, name)
        pull = repo.pulls.get(int(number))
        if pull is None:
            raise not_found()
        own = [c for c in repo.review_comments.values() if c.number == pull.number]
        threads = [c for c in own if c.in_reply_to is None]
        commits = pulls.own_commits(repo, pull)
        history = [(one.sha, _runs(repo, one.sha)) for one in reversed(commits)]
        return "pull.html", {
            "repo": repo,
            "pull": pull,
            "issue": repo.issues[pull.number],
            "state": _state(repo, pull),
            "tab": tab,
            "timeline": _timeline(repo, repo.issues[pull.number]),
            "threads": threads,
            "replies": _replies(own),
            "commits": commits,
            "files": pulls.changed_files(repo, pull),
            "runs": _runs(repo, pull.head_sha),
            "history": history,
            "apps": {app.id: app.name for app in self.world.apps.values()},
        }

    def check_run(self, request: Request, form: dict[str, str], owner: str, name: str, run_id: str) -> Page:
        repo = self._repo(owner, name)
        run = repo.check_runs.get(int(run_id))
        if run is None:
            raise not_found()
        jobs = [job for workflow in repo.workflow_runs.values() for job in workflow.jobs if job.id == run.id]
        pressed = request.query_params.get("pressed")
        return "check_run.html", {
            "repo": repo,
            "run": run,
            "app": self.world.apps[run.app_id],
            "job": jobs[0] if jobs else None,
            "pulls": [p.number for p in repo.pulls.values() if p.head_sha == run.head_sha],
            "people": [u.login for u in self.world.users.values() if u.type == "User" and u.login != "web-flow"],
            "pressed": f"Sent {pressed} to {self.world.apps[run.app_id].name}." if pressed else None,
        }

    def press(self, request: Request, form: dict[str, str], owner: str, name: str, run_id: str) -> Response:
        repo = self._repo(owner, name)
        run = repo.check_runs.get(int(run_id))
        if run is None:
            raise not_found()
        actor = Actor("user", self.world.user(form.get("login", "")).login)
        call = Call(self.world, self.courier, self.ci, actor, request.url.path, {}, {}, {}, self.world.base_url)
        identifier = form.get("identifier", "")
        press(call.repository_of(repo), run, identifier)
        return RedirectResponse(f"/{repo.full_name}/runs/{run.id}?{urlencode({'pressed': identifier})}", 303)

    def commit(self, request: Request, form: dict[str, str], owner: str, name: str, sha: str) -> Page:
        repo = self._repo(owner, name)
        full = git.resolve(repo.path, sha)
        if full is None:
            raise not_found()
        commit = git.commit(repo.path, full)
        parent = commit.parents[0] if commit.parents else git.EMPTY_TREE
        return "commit.html", {
            "repo": repo,
            "commit": commit,
            "files": git.diff(repo.path, parent, full),
            "replies": {},
        }

    def file(self, request: Request, form: dict[str, str], owner: str, name: str, rest: str) -> Page:
        repo = self._repo(owner, name)
        rev, _, path = rest.partition("/")
        sha = git.resolve(repo.path, rev)
        try:
            content = git.text(repo.path, "cat-file", "blob", f"{sha}:{path}")
        except git.GitFailed:
            raise not_found() from None
        return "file.html", {"repo": repo, "path": path, "rev": rev, "lines": content.split("\n")}

    def app(self, request: Request, form: dict[str, str], slug: str) -> Page:
        found = next((app for app in self.world.apps.values() if app.slug == slug), None)
        if found is None:
            raise not_found()
        held = [one for one in self.world.installations.values() if one.app_id == found.id]
        taken = {one.account for one in held}
        owners = {repository.owner for repository in self.world.repositories.values()} - taken
        return "app.html", {"app": found, "installations": held, "accounts": sorted(owners), "message": None}

    def install(self, request: Request, form: dict[str, str], slug: str) -> Response:
        found = next((app for app in self.world.apps.values() if app.slug == slug), None)
        account = form.get("account", "")
        if found is None:
            raise not_found()
        if any(one.app_id == found.id and one.account == account for one in self.world.installations.values()):
            raise Refusal(422, f"{found.name} is installed on {account} already")
        made = self.world.add_installation(found, account)
        self.courier.installation("created", made, found.owner)
        return RedirectResponse(f"/apps/{slug}", 303)

    def register(self, request: Request, form: dict[str, str], org: str | None = None) -> Page | Response:
        """The manifest flow: a form with a manifest shows what is asked for; confirmed, it leads back with a code."""
        owner = org or next((r.owner for r in self.world.repositories.values()), "web-flow")
        text = form.get("manifest") or request.query_params.get("manifest", "")
        code, target = manifest.accept(self.world, text, owner)
        if form.get("confirmed") != "yes":
            asked = self.world.manifests.pop(code)
            query = f"?{request.url.query}" if request.url.query else ""
            return "manifest.html", {"manifest": asked, "text": text, "owner": owner, "query": query}
        back = {"code": code}
        if "state" in request.query_params:
            back["state"] = request.query_params["state"]
        return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode(back)}", 303)


def _form(body: bytes) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _same_site(request: Request) -> bool:
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def _state(repo: Repository, pull: Pull) -> str:
    if pull.merged_at is not None:
        return "merged"
    state: str = repo.issues[pull.number].state
    return "draft" if state == "open" and pull.draft else state


def _runs(repo: Repository, sha: str) -> list[Any]:
    return latest_runs([run for run in repo.check_runs.values() if run.head_sha == sha])


def _timeline(repo: Repository, issue: Issue) -> list[tuple[str, Any]]:
    """What happened, in order: events, comments and reviews; a review made only to carry a reply is left out."""
    opening = {c.review_id for c in repo.review_comments.values() if c.in_reply_to is None}
    entries: list[tuple[str, Any]] = [("happening", one) for one in issue.timeline]
    entries += [("comment", one) for one in repo.comments.values() if one.number == issue.number]
    for review in repo.reviews.values():
        if review.number == issue.number and (review.body or review.id in opening or review.state != "COMMENTED"):
            entries.append(("review", review))
    return sorted(entries, key=lambda entry: entry[1].order)


def _replies(comments: list[ReviewComment]) -> dict[int, list[ReviewComment]]:
    found: dict[int, list[ReviewComment]] = {}
    for comment in sorted(comments, key=lambda one: one.id):
        found.setdefault(comment.in_reply_to or comment.id, []).append(comment)
    return found
