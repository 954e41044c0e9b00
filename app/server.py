"""How the web process is run: uvloop and httptools, no access log, and time to answer what has begun."""

import uvicorn
from starlette.types import ASGIApp

from app.main import create_app
from settings import Settings
from store.database import Database
from store.migrating import migrate

# In-flight deliveries finish within this; a body still arriving after it is dropped, and redelivered.
GRACEFUL_SHUTDOWN_S = 15


def server_config(app: ASGIApp, *, host: str, port: int) -> uvicorn.Config:
    """For `uvicorn.Server(config).run()`. Logging is left as the process has set it up."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )


def serve(settings: Settings) -> None:
    """Migrates the database and serves until SIGTERM or SIGINT; returns when the last delivery is answered."""
    database = Database(settings.effective_database_url)
    try:
        migrate(database)
        app = create_app(settings, database)
        uvicorn.Server(server_config(app, host=settings.host, port=settings.port)).run()
    finally:
        database.close()
