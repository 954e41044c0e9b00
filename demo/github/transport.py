"""uvicorn's HTTP protocol with one thing more: the application can cut the connection, as a broken network would."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KEY = "twin.transport"


class CuttableProtocol(HttpToolsProtocol):
    """Puts the connection's transport into the request's scope."""

    def on_headers_complete(self) -> None:
        extensions: dict[str, Any] = {KEY: {"transport": self.transport}}
        self.scope["extensions"] = extensions
        super().on_headers_complete()


def cut(scope: Any) -> None:
    """Drops the connection without a farewell: the client sees a reset."""
    scope["extensions"][KEY]["transport"].abort()
