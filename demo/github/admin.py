"""The twin's own switches under `/_twin/`: faults, delivery knobs, and looking inside. For tests and the demo.

Changing anything needs the admin token (`Authorization: Bearer ...`), which only the twin's starter has.
"""

import json
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from demo.github import rest
from demo.github.actors import Actor
from demo.github.clock import stamp
from demo.github.deliveries import Knobs
from demo.github.errors import Refusal
from demo.github.faults import Fault
from demo.github.records import Protection
from demo.github.routing import Call

if TYPE_CHECKING:
    from demo.github.server import Application


STYLE = Path(__file__).parent / "static" / "style.css"


async def answer(app: "Application", request: Request) -> Response:
    """Answers a request under `/_twin/`."""
    if request.url.path == "/favicon.ico":
        return _avatar("1")
    parts = request.url.path.split("/")[2:]
    if parts[0] == "logs":
        return _log(app, parts[1].removesuffix(".txt"))
    if parts[0] == "avatars":
        return _avatar(parts[1].removesuffix(".svg"))
    if parts == ["static", "style.css"]:
        return FileResponse(STYLE, media_type="text/css")
    if parts[0] == "ready":
        return JSONResponse({"ready": True})
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not secrets.compare_digest(given, app.admin_token):
        return JSONResponse({"message": "This needs the twin's admin token"}, 401)
    body: dict[str, Any] = json.loads(await request.body() or b"{}")
    try:
        return JSONResponse(_switch(app, request.method, parts, body))
    except Refusal as refusal:
        return JSONResponse(refusal.body(), refusal.status)
    except (TypeError, ValueError, KeyError) as error:
        return JSONResponse({"message": f"{type(error).__name__}: {error}"}, 422)


def _switch(app: "Application", method: str, parts: list[str], body: dict[str, Any]) -> Any:
    match (method, parts):
        case ("POST", ["faults"]):
            app.faults.add(Fault(**body))
        case ("DELETE", ["faults"]):
            app.faults.clear()
        case ("GET", ["faults"]):
            return app.faults.as_json()
        case ("POST", ["knobs"]):
            app.courier.postman.turn(Knobs(**body))
        case ("GET", ["journal"]):
            return app.journal.as_json(writes_only=False)
        case ("GET", ["writes"]):
            return app.journal.as_json(writes_only=True)
        case ("GET", ["deliveries"]):
            log = list(app.courier.postman.log)
            return [{**asdict(one), "delivered_at": stamp(one.delivered_at)} for one in log]
        case ("POST", ["press"]):
            _press(app, body)
        case ("POST", ["hook"]):
            _hook(app, body)
        case ("POST", ["ci"]):
            app.ci.enabled = bool(body["enabled"])
        case ("POST", ["drafts"]):
            with app.world.lock:
                app.world.repository(*body["repository"].split("/", 1)).drafts_allowed = bool(body["allowed"])
        case ("POST", ["protect"]):
            _protect(app, body)
        case _:
            raise Refusal(404, f"The twin has no switch {method} /{'/'.join(parts)}")
    return {"done": True}


def _press(app: "Application", body: dict[str, Any]) -> None:
    """`{"login", "repository", "check_run_id", "identifier"}`: a person presses a check run's button."""
    with app.world.lock:
        owner, _, name = body["repository"].partition("/")
        repository = app.world.repository(owner, name)
        run = repository.check_runs.get(body["check_run_id"])
        if run is None:
            raise Refusal(404, "Not Found")
        actor = Actor("user", app.world.user(body["login"]).login)
        call = Call(app.world, app.courier, app.ci, actor, "", {}, {}, {}, app.world.base_url)
        rest.checks.press(call.repository_of(repository), run, body["identifier"])


def _hook(app: "Application", body: dict[str, Any]) -> None:
    """`{"slug", "url"}`: points an App's webhook somewhere."""
    with app.world.lock:
        found = [one for one in app.world.apps.values() if one.slug == body["slug"]]
        if not found:
            raise Refusal(404, f"No App is called {body['slug']}")
        found[0].hook.url = str(body["url"])


def _protect(app: "Application", body: dict[str, Any]) -> None:
    """`{"repository", "branch", "contexts": [...], "pull_request": bool}`: puts rules on a branch."""
    with app.world.lock:
        owner, _, name = body["repository"].partition("/")
        contexts: list[tuple[str, int | None]] = [(str(context), None) for context in body.get("contexts", [])]
        guard = Protection(contexts, bool(body.get("strict")), bool(body.get("pull_request")))
        app.world.repository(owner, name).protections[body["branch"]] = guard


def _log(app: "Application", job_id: str) -> Response:
    with app.world.lock:
        for repository in app.world.repositories.values():
            for run in repository.workflow_runs.values():
                for job in run.jobs:
                    if str(job.id) == job_id:
                        return PlainTextResponse(job.log)
    return PlainTextResponse("Not Found", 404)


def _avatar(user_id: str) -> Response:
    hue = int(user_id) * 47 % 360 if user_id.isdigit() else 0
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">'
        f'<rect width="8" height="8" fill="hsl({hue} 45% 75%)"/>'
        f'<circle cx="4" cy="3" r="1.6" fill="hsl({hue} 45% 35%)"/>'
        f'<path d="M1 8a3 3 0 0 1 6 0z" fill="hsl({hue} 45% 35%)"/></svg>'
    )
    return Response(drawing, media_type="image/svg+xml", headers={"cache-control": "max-age=3600"})
