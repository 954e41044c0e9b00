"""The twin's one ASGI application: REST, git, pages and its own switches, with faults in front and a journal behind."""

import asyncio
import hashlib
import json
import time
import traceback
import uuid
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from demo.github import admin, faults, git_http, rest, routing
from demo.github.actors import ANONYMOUS, Actor, identify
from demo.github.ci import Ci
from demo.github.clock import now
from demo.github.errors import Refusal
from demo.github.events import Courier
from demo.github.faults import Fault, Faults
from demo.github.git_http import GitServer
from demo.github.journal import Journal
from demo.github.pages import Pages
from demo.github.routing import Call, Reply
from demo.github.transport import cut
from demo.github.world import World

assert rest.__all__  # importing the package is what fills the routing table


@dataclass
class Application:
    """Answers every request to the twin. `admin_token` opens `/_twin/`, where people's and the tests' switches are."""

    world: World
    courier: Courier
    ci: Ci
    faults: Faults
    journal: Journal
    admin_token: str

    def __post_init__(self) -> None:
        self.git = GitServer(self.world, self.courier, self.ci)
        self.problems: list[str] = []
        self.pages = Pages(self.world, self.courier, self.ci)
        self.used: dict[str, tuple[int, int]] = {}  # caller -> (requests in this hour, when the hour ends)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        request = Request(scope, receive)
        path = request.url.path
        if path.startswith("/_twin/") or path == "/favicon.ico":
            await (await admin.answer(self, request))(scope, receive, send)
            return
        fault = self.faults.take(request.method, path)
        try:
            await self._serve(request, scope, receive, send, fault)
        except ClientDisconnect:
            return
        except Exception:
            self.problems.append(f"{request.method} {path}\n{traceback.format_exc()}")
            raise

    async def _serve(self, request: Request, scope: Scope, receive: Receive, send: Send, fault: Fault | None) -> None:
        if fault is not None and fault.kind in faults.UNDONE:
            status, headers, message = faults.answer(fault, time.time())
            response = self._json(
                status, {"message": message, "documentation_url": "https://docs.github.com/rest"}, headers
            )
            self._note(request, status, ANONYMOUS, False, fault)
            await response(scope, receive, send)
            return
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.delay_s)
        response, actor = await self._respond(request)
        if fault is not None and fault.kind in ("lost_response", "cut_body"):
            await self._cut(request, response, fault, actor, send)
            return
        self._note(request, response.status_code, actor, True, fault)
        await response(scope, receive, send)

    async def _cut(self, request: Request, response: Response, fault: Fault, actor: Actor, send: Send) -> None:
        """The request was carried out; the answer is lost wholly or halfway."""
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await response(request.scope, request.receive, keep)
        self._note(request, 0, actor, True, fault)
        if fault.kind == "cut_body":
            body = b"".join(message.get("body", b"") for message in sent)
            await send(
                {**sent[0], "headers": [*_plain(sent[0]["headers"]), (b"content-length", b"%d" % max(2, len(body)))]}
            )
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(0.01)  # lets the half reach the wire before the reset overtakes it
        cut(request.scope)
        while (await request.receive())["type"] != "http.disconnect":
            pass  # the server learns of the cut before this returns, and does not complain of a missing answer

    async def _respond(self, request: Request) -> tuple[Response, Actor]:
        path = request.url.path
        if git_http.PATH.match(path) is not None:
            return await self.git.serve(request)
        found = routing.find(request.method, path)
        if found is None or "text/html" in request.headers.get(
            "accept", ""
        ):  # /apps/NAME is both: browsers get the page
            page = await self.pages.answer(request)
            if page is not None:
                return page, ANONYMOUS
        if found is None:
            return self._json(404, Refusal(404, "Not Found").body()), ANONYMOUS
        body = await request.body()
        return await asyncio.to_thread(self._rest, request, found, body)

    def _rest(
        self, request: Request, found: tuple[routing.Route, dict[str, str]], body: bytes
    ) -> tuple[Response, Actor]:
        route, params = found
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        actor = ANONYMOUS
        try:
            with self.world.lock:
                actor = identify(self.world, scheme, credential)
            call = Call(
                self.world,
                self.courier,
                self.ci,
                actor,
                request.url.path,
                params,
                dict(request.query_params),
                _parsed(body),
                f"http://{request.headers.get('host', '')}",
                request.headers.get("accept", ""),
            )
            reply = routing.answer(route, call)
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.body())
        return self._finished(request, reply, actor), actor

    def _finished(self, request: Request, reply: Reply, actor: Actor) -> Response:
        headers = dict(reply.headers)
        body = b"" if reply.body is None else json.dumps(reply.body).encode()
        if request.method == "GET" and reply.status == 200:
            tag = f'W/"{hashlib.sha256(body).hexdigest()}"'
            headers["etag"] = tag
            headers["cache-control"] = "private, max-age=60, s-maxage=60"
            if tag in request.headers.get("if-none-match", ""):
                return Response(b"", 304, self._limits(headers, actor, free=True))
        headers = self._limits(headers, actor, free=False)
        if body:
            headers["content-type"] = "application/json; charset=utf-8"
        return Response(body, reply.status, headers)

    def _limits(self, headers: dict[str, str], actor: Actor, *, free: bool) -> dict[str, str]:
        caller = actor.login or "anonymous"
        present = int(now().timestamp())
        with self.world.lock:
            used, reset = self.used.get(caller, (0, present + 3600))
            if reset <= present:
                used, reset = 0, present + 3600
            used += 0 if free else 1
            self.used[caller] = (used, reset)
        return {
            "x-github-media-type": "github.v3; format=json",
            "x-github-request-id": uuid.uuid4().hex[:16].upper(),
            "x-github-api-version-selected": "2022-11-28",
            "x-ratelimit-limit": str(self.world.rate_limit),
            "x-ratelimit-remaining": str(max(0, self.world.rate_limit - used)),
            "x-ratelimit-reset": str(reset),
            "x-ratelimit-used": str(used),
            "x-ratelimit-resource": "core",
            **headers,
        }

    def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
        shown = self._limits(headers or {}, ANONYMOUS, free=True)
        return Response(json.dumps(body), status, {**shown, "content-type": "application/json; charset=utf-8"})

    def _note(self, request: Request, status: int, actor: Actor, handled: bool, fault: Fault | None) -> None:
        kind = None if fault is None else fault.kind
        self.journal.add(request.method, request.url.path, status, actor.login, actor.kind, handled, kind)


def _parsed(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return json.loads(body)
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None


def _plain(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in (b"content-length", b"transfer-encoding")]
