"""The web service, put together: the webhook beside a small FastAPI application for everything else."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Receive, Scope, Send

from app import kernel_page, metrics
from app.pages import CHART_HEADERS, home, not_found, security_headers
from app.readiness import Readiness
from app.webhook import Webhook
from settings import Settings
from store import kernel_checks
from store.database import Database
from store.inbox import InboxWriter

log = logging.getLogger(__name__)

WEBHOOK_PATH = "/webhooks/github"


def create_app(settings: Settings, database: Database) -> ASGIApp:
    """The ASGI application. Its lifespan starts the inbox writer, and stops it after the last answer.

    ValueError without a webhook secret. The caller migrates the database before, and closes it after.
    """
    writer = InboxWriter(database)
    webhook = Webhook(writer, [secret.get_secret_value().encode() for secret in settings.github_webhook_secrets])
    pages = _pages(settings, database, writer, webhook)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == WEBHOOK_PATH:
            await webhook(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


def _pages(settings: Settings, database: Database, writer: InboxWriter, webhook: Webhook) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        writer.start()
        try:
            yield
        finally:
            await asyncio.to_thread(writer.stop)

    app = FastAPI(lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    readiness = Readiness(database, writer)
    headers = security_headers()
    app_url = github_app_url(settings.github_api_url, settings.github_app_slug)

    @app.get("/")
    async def root() -> Response:
        return HTMLResponse(home(app_url), headers=headers)

    @app.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("alive\n", headers=headers)

    @app.get("/readyz")
    def readyz() -> Response:
        problems = readiness.problems()
        return JSONResponse(
            {"ready": not problems, "problems": problems}, status_code=503 if problems else 200, headers=headers
        )

    @app.get("/kernels/{check_id}")
    def kernel(check_id: str) -> Response:
        with database.read() as session:
            row = kernel_checks.get(session, check_id)
        if row is None:
            return HTMLResponse(not_found("There is no such check."), status_code=404, headers=headers)
        address = kernel_page.repository_page(settings.github_api_url, row.repository)
        content = kernel_page.kernel_page(row, repository_url=address)
        return HTMLResponse(content, headers=security_headers(images="'self'"))

    @app.get("/kernels/{check_id}/chart.svg")
    def kernel_chart(check_id: str) -> Response:
        with database.read() as session:
            row = kernel_checks.get(session, check_id)
        if row is None or row.chart is None:
            return PlainTextResponse("there is no such chart\n", status_code=404, headers=headers)
        return Response(row.chart, headers=CHART_HEADERS)

    @app.get("/metrics")
    def scrape() -> Response:
        try:
            with database.read() as session:
                text = metrics.render(session, webhook.counts, now=time.time())
        except SQLAlchemyError as error:
            log.error("metrics: the database cannot be read: %s", type(error).__name__)
            return PlainTextResponse("the database cannot be read\n", status_code=503, headers=headers)
        return Response(text, headers=headers | {"content-type": metrics.CONTENT_TYPE})

    return app


def github_app_url(api_url: str, slug: str) -> str | None:
    """The App's public page: github.com for api.github.com, else the host of a GitHub Enterprise Server's API."""
    if not slug:
        return None
    parts = urlsplit(api_url)
    host = parts.netloc.removeprefix("api.")
    return f"{parts.scheme}://{host}/apps/{slug}"
