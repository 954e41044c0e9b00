"""How a token reaches git: through a pipe that only git's own process tree inherits, for one host.

Nothing secret is in an argument, an address, a configuration value, the environment or a file. Git is given a
credential helper (gitcredentials(7)) that reads one line from an inherited pipe; the helper is bound to the scheme and
host of the remote, so that a redirect to another host finds no helper and therefore no token.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from repositories.errors import AuthenticationRefused

# Git asks once in an operation; a proxy or a redirect on the same host can make it ask again.
_ANSWERS = 4


@dataclass(frozen=True, slots=True)
class Channel:
    """What git needs to find the token: configuration to pass with ``-c`` and the descriptors to inherit."""

    config: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = ()


@contextmanager
def channel(url: str, token: str | None) -> Iterator[Channel]:
    """A channel that hands `token` to git for the host of `url` while the block runs; empty without a token.

    Raises AuthenticationRefused when the token holds characters no token has (it is not repeated in the message).
    """
    if token is None:
        yield Channel()
        return
    if not re.fullmatch(r"[\x21-\x7e]{1,4096}", token):
        raise AuthenticationRefused("Token refused", "it is empty or holds blanks or control characters", "Renew it")
    parts = urlsplit(url)
    reading, writing = os.pipe()
    try:
        os.write(writing, f"{token}\n".encode() * _ANSWERS if len(token) < 4000 else f"{token}\n".encode())
        os.close(writing)
        script = (
            f'!answer() {{ test "$1" = get || exit 0; IFS= read -r t </dev/fd/{reading} || exit 0; '
            "printf 'username=x-access-token\\npassword=%s\\n' \"$t\"; }; answer"
        )
        yield Channel((f"credential.{parts.scheme}://{parts.netloc}.helper={script}",), (reading,))
    finally:
        os.close(reading)


def redact(text: str, token: str | None) -> str:
    """`text` without the token, in plain or percent-encoded form, and without credentials in any address."""
    for form in {token, quote(token, safe="")} if token else ():
        text = text.replace(form, "[token]")
    return re.sub(r"(?<=://)[^/\s@]{1,512}@", "[credentials]@", text)
