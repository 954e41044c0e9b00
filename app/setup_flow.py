"""The web part of `forgehand setup`: a page that registers the GitHub App, and the address GitHub comes back to.

A small application of its own, run on localhost for the few minutes it takes. The credentials go to the caller's
function, which writes them to files; no page shows them.
Source: https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import hmac
import json
import re
import secrets
import threading
from collections.abc import Callable
from html import escape

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from app.pages import page, security_headers
from forges.github.app_manifest import AppCredentials, build_manifest, convert_code, registration_url
from forges.github.transport import ForgeError

log = structlog.get_logger(__name__)

CALLBACK_PATH = "/setup/callback"
CODE = re.compile(r"[A-Za-z0-9_-]{1,128}")


def create_setup_app(
    *,
    name: str,
    public_url: str,
    listen_url: str,
    github_web_url: str,
    github_api_url: str,
    on_credentials: Callable[[AppCredentials], None],
    organization: str | None = None,
) -> ASGIApp:
    """The application; its first page is `{listen_url}/setup`.

    `public_url`: where GitHub will reach the web service; `listen_url`: where this application is reached by the
    browser, on localhost. `on_credentials` runs once, on a thread; what it raises is shown as a failure.
    ValueError for a name or an address GitHub would not take.
    """
    state = secrets.token_urlsafe(32)
    done = False
    converting = threading.Lock()
    manifest = build_manifest(
        name=name,
        homepage_url=public_url,
        hook_url=f"{public_url}/webhooks/github",
        redirect_url=f"{listen_url}{CALLBACK_PATH}",
    )
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    # Another site's page cannot reach this one under a name of its own (DNS rebinding).
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])

    @app.get("/setup")
    def start() -> Response:
        action = registration_url(github_web_url, state, organization)
        content = (
            "<p>GitHub will ask you to confirm the App's name. Then it sends you back here with the App's credentials, "
            "which are written to files on this machine.</p>"
            f'<form method="post" action="{escape(action)}">'
            f'<input type="hidden" name="manifest" value="{escape(json.dumps(manifest))}">'
            f"<button>Register {escape(name)} at GitHub</button></form>"
        )
        headers = security_headers(form_action=f"{github_web_url} {listen_url}")
        return HTMLResponse(page("Register the GitHub App", content), headers=headers)

    @app.get(CALLBACK_PATH)
    def finish(request: Request) -> Response:
        nonlocal done
        given = request.query_params
        if not hmac.compare_digest(given.get("state", "").encode(), state.encode()):
            return _said(403, "Not from here", "This answer does not belong to this set-up. Begin again at /setup.")
        code = given.get("code", "")
        if not CODE.fullmatch(code):
            return _said(400, "No code", "GitHub sent no code. Begin again at /setup.")
        with converting:
            if done:
                return _said(409, "Already done", "The App is registered and its credentials are written.")
            try:
                credentials = convert_code(github_api_url, code)
            except ForgeError as error:
                log.error("setup: GitHub did not hand over the credentials", error=type(error).__name__)
                return _said(502, "GitHub did not hand over the credentials", str(error))
            try:
                on_credentials(credentials)
            except OSError as error:
                log.error("setup: the credentials could not be written", error=str(error))
                text = f"They could not be written: {error}. Delete the App at GitHub and begin again at /setup."
                return _said(500, "The App is registered, but its credentials are lost", text)
            done = True
        install = f"{credentials.html_url}/installations/new"
        content = (
            f"<p>{escape(credentials.slug)} is registered and its credentials are written.</p>"
            f'<p>Next, <a href="{escape(install)}">install it on a repository</a>, and go back to the terminal.</p>'
        )
        return HTMLResponse(page("Registered", content), headers=security_headers())

    return app


def _said(status: int, title: str, text: str) -> Response:
    return HTMLResponse(page(title, f"<p>{escape(text)}</p>"), status_code=status, headers=security_headers())
