"""The table of REST operations: which function answers, and what the caller must hold.

A handler is a plain function of a `Call` that returns a `Reply` or raises a `Refusal`; it runs under the world's lock.
Path templates are written as in GitHub's own description.
"""

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from demo.github.actors import Actor
from demo.github.ci import Ci
from demo.github.errors import Refusal, invalid, not_by_integration, not_found
from demo.github.events import Courier
from demo.github.records import Issue, Pull, Repository, Role
from demo.github.view import View
from demo.github.world import World

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
T = TypeVar("T")


@dataclass
class Reply:
    """`body` is JSON unless it is bytes; None sends no body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One request, with the caller known. `base` is `http://host:port` as the caller wrote it."""

    world: World
    courier: Courier
    ci: Ci
    actor: Actor
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    base: str
    accept: str = ""
    _repository: Repository | None = None

    @property
    def view(self) -> View:
        return View(self.world, self.base)

    @property
    def login(self) -> str:
        """The acting account; 401 for nobody."""
        if self.actor.login is None:
            raise Refusal(401, "Requires authentication")
        return self.actor.login

    @property
    def via_app(self) -> int | None:
        return None if self.actor.kind != "installation" or self.actor.app is None else self.actor.app.id

    @property
    def repo(self) -> Repository:
        if self._repository is None:
            self._repository = self.world.repository(self.params["owner"], self.params["repo"])
        return self._repository

    def repository_of(self, repository: Repository) -> "Call":
        """The same call, about this repository: for operations whose path names none."""
        return replace(self, _repository=repository)

    def issue(self, name: str = "issue_number") -> Issue:
        found = self.repo.issues.get(self.number(name))
        if found is None:
            raise not_found()
        return found

    def pull(self, name: str = "pull_number") -> tuple[Pull, Issue]:
        number = self.number(name)
        if number not in self.repo.pulls:
            raise not_found()
        return self.repo.pulls[number], self.repo.issues[number]

    def number(self, name: str) -> int:
        try:
            return int(self.params[name])
        except ValueError:
            raise not_found() from None

    def has_role(self, least: Role) -> bool:
        """May the caller do what people with this role may? An installation's permissions were checked already."""
        if self.actor.kind == "installation":
            return True
        return self.actor.login is not None and self.world.has_role(self.repo, self.actor.login, least)

    def field(self, name: str, kind: type[T], resource: str) -> T:
        """A required field of the JSON body; 422 as GitHub's when it is missing or of another type."""
        value = self.body.get(name) if isinstance(self.body, dict) else None
        if value is None:
            raise invalid(resource, name, "missing_field")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a {kind.__name__}.")
        return value

    def maybe(self, name: str, kind: type[T]) -> T | None:
        """An optional field of the JSON body."""
        value = self.body.get(name) if isinstance(self.body, dict) else None
        if value is not None and not isinstance(value, kind):
            raise Refusal(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a {kind.__name__}.")
        return value

    def given(self, name: str) -> bool:
        return isinstance(self.body, dict) and name in self.body


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    method: Method
    template: str
    handler: Handler
    pattern: re.Pattern[str]
    needs: tuple[tuple[str, str], ...]
    role: Role | None
    only: str | None

    def admit(self, call: Call) -> None:
        """Raises the Refusal that GitHub would answer when the caller may not do this."""
        actor = call.actor
        if self.only is not None:
            if actor.kind != self.only:
                if self.only == "app":
                    raise Refusal(401, "A JSON web token could not be decoded")
                raise Refusal(
                    403, "You must authenticate with an installation access token in order to use this endpoint"
                )
            return
        if actor.kind == "app":
            raise Refusal(401, "Requires authentication: an App's JWT is good for /app only")
        if "owner" in call.params:
            self._admit_to_repository(call)

    def _admit_to_repository(self, call: Call) -> None:
        repository, actor = call.repo, call.actor
        writing = self.method != "GET"
        if actor.kind == "installation":
            if not actor.sees(call.world, repository):
                raise not_found() if repository.private else (not_by_integration() if writing else _Public())
            if self.needs and not any(actor.allows(name, level) for name, level in self.needs):
                raise not_by_integration()
            return
        if actor.kind == "anonymous":
            if repository.private:
                raise not_found()
            if writing:
                raise Refusal(401, "Requires authentication")
            return
        if not call.has_role("read"):
            raise not_found()
        if self.role is not None and not call.has_role(self.role):
            raise Refusal(403, "Must have push access to repository.")


class _Public(Exception):
    """A token reads a public repository outside its installation: allowed, as for anybody."""


ROUTES: list[Route] = []


def route(
    method: Method, template: str, *, needs: str = "", role: Role | None = None, only: str | None = None
) -> Callable[[Handler], Handler]:
    """Registers a handler. `needs` are installation permissions, any of which will do ("issues:read|checks:read");
    `role` is what a person must hold on the repository for it; `only` names the one kind of actor that may call.
    """
    wanted = tuple((n, level) for n, _, level in (part.partition(":") for part in needs.split("|") if part))
    greedy = re.sub(r"\{path\}$", r"(?P<path>.*)", template)  # a client may ask for the root as "contents/"
    greedy = re.sub(r"\{(ref|branch|basehead|name)\}$", r"(?P<\1>.+)", greedy)
    greedy = re.sub(r"\{(ref|branch)\}", r"(?P<\1>.+)", greedy)
    pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", greedy) + "$")

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, template, handler, pattern, wanted, role, only))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route that answers; a template with fewer greedy parts is registered by the same path length first."""
    best: tuple[int, Route, dict[str, str]] | None = None
    for candidate in ROUTES:
        if candidate.method != method:
            continue
        match = candidate.pattern.match(path)
        if match is None:
            continue
        literal = len(re.sub(r"\{\w+\}", "", candidate.template))
        if best is None or literal > best[0]:
            best = (literal, candidate, match.groupdict())
    return None if best is None else (best[1], best[2])


def answer(route_: Route, call: Call) -> Reply:
    """Admits the caller and runs the handler, under the world's lock."""
    with call.world.lock:
        with contextlib.suppress(_Public):
            route_.admit(call)
        return route_.handler(call)
