"""git over HTTP: `git http-backend` behind the twin's own tokens, streamed both ways.

https://git-scm.com/docs/git-http-backend
"""

import asyncio
import base64
import binascii
import re
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from demo.github import git
from demo.github.actors import ANONYMOUS, Actor, from_token
from demo.github.ci import Ci
from demo.github.errors import Refusal
from demo.github.events import Courier
from demo.github.pushes import changes, pushed
from demo.github.records import Repository
from demo.github.world import World

PATH = re.compile(r"^/([^/]+)/([^/]+?)\.git/(info/refs|git-upload-pack|git-receive-pack)$")
BLOCK = 1 << 16


class GitServer:
    """Serves clones and pushes. One push at a time a repository, so that what it moved can be told from the refs."""

    def __init__(self, world: World, courier: Courier, ci: Ci) -> None:
        self.world, self.courier, self.ci = world, courier, ci
        self._pushing: dict[int, asyncio.Lock] = {}

    def actor(self, header: str) -> Actor:
        """The actor behind a Basic header (`x-access-token:TOKEN`, or any name with a token); Refusal when wrong."""
        if not header:
            return ANONYMOUS
        scheme, _, coded = header.partition(" ")
        if scheme.lower() == "bearer":
            return from_token(self.world, coded)
        try:
            _, _, token = base64.b64decode(coded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Refusal(401, "Bad credentials") from None
        return from_token(self.world, token)

    async def serve(self, request: Request) -> tuple[Response, Actor]:
        """Answers one request of git's smart protocol."""
        match = PATH.match(request.url.path)
        if match is None:
            return PlainTextResponse("Not Found", 404), ANONYMOUS
        owner, name, tail = match.groups()
        writing = tail == "git-receive-pack" or request.query_params.get("service") == "git-receive-pack"
        try:
            with self.world.lock:
                actor = self.actor(request.headers.get("authorization", ""))
                repository = self.world.repository(owner, name)
                refusal = self._refusal(actor, repository, writing)
                guards = self._guards(repository, actor)
        except Refusal as error:
            return _said(error.status, error.message), ANONYMOUS
        if refusal is not None:
            return refusal, actor
        backend = _Backend(repository, tail, request, actor.login or "anonymous" if writing else None, guards)
        if tail != "git-receive-pack":
            return await backend.response(), actor
        return await self._receive(repository, actor, backend), actor

    def _refusal(self, actor: Actor, repository: Repository, writing: bool) -> Response | None:
        if actor.kind == "anonymous":
            if not writing and not repository.private:
                return None
            return _said(401, "Authentication is required")
        login = actor.login or ""
        if actor.kind == "installation":
            sees = actor.sees(self.world, repository)
            readable = (sees and actor.allows("contents", "read")) or not repository.private
            writable = sees and actor.allows("contents", "write")
        else:
            readable = self.world.has_role(repository, login, "read")
            writable = self.world.has_role(repository, login, "write")
        if not readable:
            return _said(404, "Repository not found.")
        if writing and not writable:
            return _said(403, f"Permission to {repository.full_name}.git denied to {login}.")
        return None

    def _guards(self, repository: Repository, actor: Actor) -> dict[str, str]:
        closed = [f"refs/heads/{name}" for name, guard in repository.protections.items() if guard.pull_request]
        free = actor.kind == "user" or actor.allows("workflows", "write")
        return {"TWIN_PROTECTED": "\n".join(closed), "TWIN_WORKFLOWS": "allow" if free else "deny"}

    async def _receive(self, repository: Repository, actor: Actor, backend: "_Backend") -> Response:
        lock = self._pushing.setdefault(repository.id, asyncio.Lock())
        async with lock:
            before = await asyncio.to_thread(git.refs, repository.path)
            response = await backend.response(whole=True)
            await asyncio.to_thread(self._tell, repository, actor, before)
        return response

    def _tell(self, repository: Repository, actor: Actor, before: dict[str, str]) -> None:
        with self.world.lock:
            moved = changes(before, git.refs(repository.path))
            if moved:
                pushed(self.courier, self.ci, repository, actor.login or "ghost", moved)


def _said(status: int, text: str) -> Response:
    headers = {"www-authenticate": 'Basic realm="GitHub"'} if status == 401 else {}
    return PlainTextResponse(f"{text}\n", status, headers)


@dataclass
class _Backend:
    """One `git http-backend` process: the request's body goes in as it arrives, its answer comes out as it is made."""

    repository: Repository
    tail: str
    request: Request
    pusher: str | None
    guards: dict[str, str]

    def environment(self) -> dict[str, str]:
        headers = self.request.headers
        extra = {
            "GIT_PROJECT_ROOT": str(self.repository.path),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{self.tail}",
            "QUERY_STRING": self.request.url.query,
            "REQUEST_METHOD": self.request.method,
            "CONTENT_TYPE": headers.get("content-type", ""),
            **self.guards,
        }
        if self.pusher is not None:
            extra["REMOTE_USER"] = self.pusher
        if "git-protocol" in headers:
            extra["GIT_PROTOCOL"] = headers["git-protocol"]
        return git.environment(extra)

    async def response(self, *, whole: bool = False) -> Response:
        """The backend's answer; with `whole` only after the process has ended, so that its effects are there."""
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env=self.environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        feeding = asyncio.create_task(self._feed(process))
        status, headers = await _head(process)
        if not whole:
            return StreamingResponse(self._body(process, feeding), status, headers)
        body = b"".join([block async for block in self._body(process, feeding)])
        return Response(body, status, headers)

    async def _feed(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        unzip = zlib.decompressobj(31) if self.request.headers.get("content-encoding") == "gzip" else None
        try:
            async for chunk in self.request.stream():
                if not chunk:
                    continue
                if process.stdin.is_closing():
                    return
                process.stdin.write(unzip.decompress(chunk) if unzip is not None else chunk)
                await process.stdin.drain()
        except (ConnectionError, RuntimeError):
            # git has read enough, or the client is gone: either way nothing more is to be fed. uvloop tells the first
            # by RuntimeError when the pipe's handler closed before the transport says that it is closing.
            return
        finally:
            process.stdin.close()

    async def _body(self, process: asyncio.subprocess.Process, feeding: "asyncio.Task[None]") -> AsyncIterator[bytes]:
        assert process.stdout is not None
        try:
            while block := await process.stdout.read(BLOCK):
                yield block
            await feeding
            await process.wait()
        finally:
            feeding.cancel()
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _head(process: asyncio.subprocess.Process) -> tuple[int, dict[str, str]]:
    """The CGI header block: the status (200 unless said) and the headers."""
    assert process.stdout is not None
    status, headers = 200, {}
    while line := (await process.stdout.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name.lower()] = value.strip()
    return status, headers
