"""The engine, asked for plain values: the docker SDK's connections and errors stay in here."""

from __future__ import annotations

import io
import socket
import ssl
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .faults import Refused, Trouble, classify, unreachable

if TYPE_CHECKING:
    import docker

_CONNECTIONS = 64
_TIMEOUT_S = 180.0
"""An engine that makes 50 boxes at once on a small machine takes its time for each."""
Container = Mapping[str, Any]


class Engine:
    """One Docker engine. Thread-safe. `base_url` as in DOCKER_HOST; None: what the environment says."""

    def __init__(self, base_url: str | None = None) -> None:
        self._client = _connected(base_url)

    @property
    def local(self) -> bool:
        """Whether it is reached through a socket of this machine; the SDK calls all of those by one address."""
        return str(self._client.base_url).startswith("http+docker://")

    def info(self) -> Mapping[str, Any]:
        with _errors():
            return dict(self._client.info())

    def image(self, name: str) -> Mapping[str, Any]:
        with _errors():
            return dict(self._client.inspect_image(name))

    def make(self, body: Mapping[str, Any], name: str) -> str:
        """The new container's id. Refused."""
        with _errors():
            return str(self._client.create_container_from_config(body, name)["Id"])

    def start(self, container: str) -> None:
        with _errors():
            self._client.start(container)

    def container(self, name: str) -> Container | None:
        try:
            with _errors():
                return dict(self._client.inspect_container(name))
        except Refused as refused:
            if refused.trouble is Trouble.GONE:
                return None
            raise

    def containers(self, labels: Sequence[str]) -> Sequence[Container]:
        """All containers with these labels, running or not, as the short form of a list."""
        with _errors():
            return list(self._client.containers(all=True, filters={"label": list(labels)}))

    def remove(self, container: str) -> None:
        """Ends and removes a container with what is in it. No error when it is gone, or going."""
        try:
            with _errors():
                self._client.remove_container(container, force=True, v=True)
        except Refused as refused:
            if refused.trouble not in (Trouble.GONE, Trouble.NAME_TAKEN):
                raise

    def attach(self, container: str) -> tuple[socket.socket, bytes]:
        """The standard streams of process 1, and what of them has been read already."""
        with _errors():
            return _taken(
                self._client.attach_socket(container, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1, "logs": 0})
            )

    def execute(self, container: str, command: Sequence[str], user: str) -> tuple[socket.socket, bytes]:
        """The standard streams of a program started beside process 1."""
        with _errors():
            made = self._client.exec_create(
                container, list(command), stdin=True, stdout=True, stderr=True, user=user, workdir="/"
            )
            return _taken(self._client.exec_start(made["Id"], socket=True))

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        with _errors():
            self._client.create_volume(name, labels=dict(labels))

    def idle_volumes(self, label: str) -> Sequence[Mapping[str, Any]]:
        """The volumes with this label that no container has."""
        with _errors():
            found = self._client.volumes(filters={"label": [label], "dangling": ["true"]})
        return list(found["Volumes"] or ())

    def remove_volume(self, name: str) -> None:
        """No error when it is gone, or in use again."""
        try:
            with _errors():
                self._client.remove_volume(name)
        except Refused as refused:
            if refused.trouble is not Trouble.GONE:
                raise

    def put(self, container: str, directory: str, tar: bytes) -> None:
        """Unpacks a tar in a container that need not run."""
        with _errors():
            self._client.put_archive(container, directory, tar)

    def has(self, container: str, path: str) -> bool:
        try:
            with _errors():
                parts, _ = self._client.get_archive(container, path)
                parts.close()
        except Refused as refused:
            if refused.trouble is Trouble.GONE:
                return False
            raise
        return True


def tar_of(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    """A tar of files, each with its mode; missing directories are made by the engine."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (content, mode) in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _connected(base_url: str | None) -> docker.APIClient:
    import docker
    from docker.utils import kwargs_from_env

    options = {**kwargs_from_env(), **({"base_url": base_url} if base_url else {})}
    url = str(options.get("base_url") or "unix:///var/run/docker.sock")
    if url.startswith("ssh"):
        raise unreachable("its streams cannot be had over ssh: forward its socket instead")
    if url.startswith("unix"):
        _try_socket("/" + url.removeprefix("unix:").lstrip("/"))
    try:
        return docker.APIClient(version="auto", timeout=_TIMEOUT_S, max_pool_size=_CONNECTIONS, **options)
    except docker.errors.DockerException as error:
        raise unreachable(str(error)[:500]) from None


def _try_socket(path: str) -> None:
    """The SDK says less about a socket that does not answer, and leaves its own open. SandboxUnavailable."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(path)
        except OSError as error:
            raise unreachable(f"{path}: {error.strerror}") from None


@contextmanager
def _errors() -> Iterator[None]:
    """The SDK's errors as Refused."""
    import docker
    import requests

    try:
        yield
    except docker.errors.APIError as error:
        words = str(error.explanation or error)[:1000]
        status = error.response.status_code if error.response is not None else 0
        raise Refused(classify(status, words), words) from None
    except (requests.exceptions.RequestException, docker.errors.DockerException, OSError) as error:
        raise Refused(Trouble.UNREACHABLE, str(error)[:500]) from None


def _taken(found: Any) -> tuple[socket.socket, bytes]:
    """A connection taken from the SDK, which would close it with the response it belongs to, and what the response's
    own buffer holds of the stream. It keeps its time limit out: a stream may be silent for hours."""
    response = found._response  # the SDK keeps it there
    early = _buffered(response)
    sock = getattr(found, "_sock", found)
    if isinstance(sock, ssl.SSLSocket):
        sock._forgehand_response = response  # type: ignore[attr-defined]  # keeps it from being closed
        return sock, early
    own = socket.socket(fileno=socket.dup(sock.fileno()))
    for theirs in (response, found, sock):
        theirs.close()
    return own, early


def _buffered(response: Any) -> bytes:
    """What the SDK's reader has read past the head of the answer."""
    reader = response.raw._fp.fp
    sock = reader.raw._sock
    timeout = sock.gettimeout()
    sock.setblocking(False)
    try:
        return bytes(reader.peek())
    except (OSError, ValueError):
        return b""  # nothing yet
    finally:
        sock.settimeout(timeout)
