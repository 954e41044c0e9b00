"""The web: takes deliveries in durably, answers health and metrics, and keeps the App set-up flow.

A delivery is answered only once its row is committed; what it means is decided later, by the relay in `workers`.
`create_app` builds the service, `server_config` says how it is run, `serve` runs it;
`create_setup_app` is the page `forgehand setup` shows on localhost.
"""

from app.main import create_app
from app.server import serve, server_config
from app.setup_flow import create_setup_app

__all__ = ["create_app", "create_setup_app", "serve", "server_config"]
