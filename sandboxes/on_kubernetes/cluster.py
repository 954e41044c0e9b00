"""The API server, asked for plain JSON: requests with the retries that can help, watches, and exec streams.

Of the kubernetes client are used its configuration, credentials and connections. Its models are not: they are made
for one version of Kubernetes, and refuse what an older or newer server says.
"""

from __future__ import annotations

import json
import random
import socket
import ssl
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ..contract import SandboxUnavailable
from .exec_stream import ExecStream, Explain
from .fates import Fate, Trouble, refusal
from .place import Place

if TYPE_CHECKING:
    from kubernetes.client.api_client import ApiClient

_TRIES = 5
_TIMEOUT_S = 30.0
_HANDSHAKE_S = 20.0
_CONNECTIONS = 64
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 15), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 4))
"""A connection whose other end is gone without a word ends after 35 s; exec streams may be silent much longer."""
_JSON = "application/json"
_PROTOCOLS = "v5.channel.k8s.io,v4.channel.k8s.io"
Query = Sequence[tuple[str, str]]


class Refused(Exception):
    """The API server did not do what it was asked."""

    def __init__(self, fate: Fate) -> None:
        super().__init__(fate.why)
        self.fate = fate


class Gone(Refused):
    """What was asked for is not there."""


class Cluster:
    """One installation's access. Thread-safe."""

    def __init__(self, place: Place) -> None:
        self._client = _connected(place)
        self.server = str(self._client.configuration.host)
        """The API server's address, as a URL."""

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Mapping[str, Any] | None = None,
        accept: str = _JSON,
    ) -> Any:
        """The answer's JSON, in the form that `accept` names. A GET or DELETE is repeated when that can help; of others
        only what was surely not done.

        Gone, Refused.
        """
        for attempt in range(1, _TRIES + 1):
            try:
                status, data = self._once(method, path, query, body, accept)
            except OSError as error:
                fate, status = Fate(Trouble.UNREACHABLE, str(error)[:300]), 0
            else:
                if 200 <= status < 300:
                    return json.loads(data)
                fate = refusal(status, data)
            again = status == 429 or (method in ("GET", "DELETE") and (status == 0 or status >= 500))
            if not again or attempt == _TRIES:
                raise (Gone if status == 404 else Refused)(fate)
            time.sleep(min(4.0, 0.1 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311 - of who asks a busy server again
        raise AssertionError

    def watch(self, path: str, query: Query, seconds: float) -> Generator[tuple[str, Any], None, None]:
        """Changes as (type, object) until `seconds` are over or the server ends it, which it may at any time.

        Ends without an error when the connection breaks: list again and go on from there.
        """
        asked = [*query, ("watch", "1"), ("timeoutSeconds", str(max(1, int(seconds))))]
        try:
            response = self._send("GET", path, asked, None, (10.0, seconds + 5))
            with closing(response):
                if not 200 <= response.status < 300:
                    return
                buffer = b""
                for part in response.stream(None, decode_content=True):
                    *lines, buffer = (buffer + part).split(b"\n")
                    for line in filter(None, lines):
                        event = json.loads(line)
                        if event.get("type") == "ERROR":
                            return
                        yield event["type"], event["object"]
        except (OSError, ValueError, KeyError):
            return

    def execute(self, path: str, command: Sequence[str], container: str, explain: Explain) -> ExecStream:
        """Starts a program in a pod; its standard streams. Refused, Gone."""
        import websocket

        query = [("stdin", "true"), ("stdout", "true"), ("stderr", "true"), ("container", container)]
        query += [("command", part) for part in command]
        _, url, headers, _, _ = self._serialized("GET", path, query, None)
        configuration = self._client.configuration
        header = [f"{name}: {value}" for name, value in headers.items() if name.lower() == "authorization"]
        try:
            made = websocket.create_connection(
                "ws" + url.removeprefix("http"),
                timeout=_HANDSHAKE_S,
                header=[*header, f"Sec-WebSocket-Protocol: {_PROTOCOLS}"],
                sslopt=_tls(configuration),
                sockopt=[
                    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
                    *((socket.IPPROTO_TCP, *one) for one in _KEEPALIVE),
                ],
                suppress_origin=True,
                **_proxy(configuration),
            )
        except websocket.WebSocketBadStatusException as error:
            fate = refusal(error.status_code, error.resp_body or b"")
            raise (Gone if error.status_code == 404 else Refused)(fate) from None
        except (OSError, websocket.WebSocketException) as error:
            raise Refused(Fate(Trouble.UNREACHABLE, str(error)[:300])) from None
        sock, made.sock = made.sock, None
        if sock is None:
            raise Refused(Fate(Trouble.UNREACHABLE, "the connection ended at once"))
        return ExecStream(sock, explain)

    def _once(self, method: str, path: str, query: Query, body: Any, accept: str) -> tuple[int, bytes]:
        response = self._send(method, path, query, body, _TIMEOUT_S, accept)
        try:
            return response.status, response.read()
        finally:
            response.release_conn()

    def _send(self, method: str, path: str, query: Query, body: Any, timeout: Any, accept: str = _JSON) -> Any:
        """The raw response. OSError when there is none."""
        import urllib3

        method, url, headers, body, _ = self._serialized(method, path, query, body, accept)
        try:
            return self._client.call_api(method, url, headers, body, _request_timeout=timeout).response
        except (urllib3.exceptions.HTTPError, _api_error()) as error:
            raise OSError(str(error)) from None

    def _serialized(
        self, method: str, path: str, query: Query, body: Any, accept: str = _JSON
    ) -> tuple[str, str, dict[str, str], Any, Any]:
        """With the credentials of now: tokens are renewed as they are asked for."""
        headers = {"Accept": accept, "Content-Type": _JSON}
        return self._client.param_serialize(
            method, path, query_params=list(query), header_params=headers, body=body, auth_settings=["BearerToken"]
        )


def _api_error() -> type[Exception]:
    from kubernetes.client.exceptions import ApiException

    return ApiException


def _connected(place: Place) -> ApiClient:
    from kubernetes import config
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration

    configuration = Configuration()
    try:
        try:
            if place.kubeconfig or place.context:
                raise config.ConfigException("a kubeconfig was named")
            config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        except config.ConfigException:
            file = str(place.kubeconfig) if place.kubeconfig else None
            config.load_kube_config(  # type: ignore[no-untyped-call]
                file, place.context, configuration, persist_config=False
            )
    except (config.ConfigException, OSError, ValueError) as error:
        raise SandboxUnavailable(
            "no cluster is known", str(error), "Set the kubeconfig, or run the worker with a service account"
        ) from None
    configuration.retries = False  # what may be repeated is decided here
    configuration.connection_pool_maxsize = _CONNECTIONS
    return ApiClient(configuration)


def _tls(configuration: Any) -> dict[str, Any]:
    """Options of websocket-client for the same trust and certificate as the REST calls have."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
    if not configuration.verify_ssl:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif configuration.assert_hostname is False:
        context.check_hostname = False
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    named = {"server_hostname": configuration.tls_server_name} if configuration.tls_server_name else {}
    return {"context": context, **named}


def _proxy(configuration: Any) -> dict[str, Any]:
    from urllib.parse import urlsplit

    if not configuration.proxy:
        return {"http_no_proxy": ["*"]}  # the client's configuration has read the environment already
    found = urlsplit(configuration.proxy)
    options: dict[str, Any] = {"http_proxy_host": found.hostname, "http_proxy_port": found.port, "proxy_type": "http"}
    if configuration.no_proxy:
        options["http_no_proxy"] = configuration.no_proxy.split(",")
    if found.username:
        options["http_proxy_auth"] = (found.username, found.password or "")
    return options
