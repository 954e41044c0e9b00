"""What one repository's boxes are, where that differs from the rest."""

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

SandboxKind = Literal["local", "docker", "kubernetes"]

_DESTINATION = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*:[0-9]{1,5}")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _destination(text: str) -> str:
    if not _DESTINATION.fullmatch(text) or not 0 < int(text.rpartition(":")[2]) < 65536:
        raise ValueError(f"{text!r} is not of the form host:port or *.domain:port, such as pypi.org:443")
    return text


Destination = Annotated[str, AfterValidator(_destination)]


class RepositoryMachine(BaseModel):
    """What is not given is as it is for every repository. `image` stands above the one in `.forgehand.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sandbox: SandboxKind | None = None
    image: str | None = None
    network: tuple[Destination, ...] | None = None
    setup_network: tuple[Destination, ...] | None = None
