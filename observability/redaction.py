"""Taking secrets out of text: the exact ones this process knows, and whatever has the shape of one. Pure."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

MARK = "[secret]"
# Shorter ones would blot out ordinary words. Settings asks for 16 characters of a webhook secret.
SHORTEST_KNOWN = 8
# A line of a PEM file that gives part of the key away; its header and footer are shorter or say nothing.
SHORTEST_KEY_LINE = 32

SHAPES = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            r"\bgh[a-z]_[A-Za-z0-9_.-]{16,}",  # GitHub: installation, personal, OAuth, user and refresh tokens
            r"\bgithub_pat_[A-Za-z0-9_]{16,}",
            r"\bsk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic, OpenRouter
            r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",  # JSON Web Token
            r"\bAKIA[0-9A-Z]{16}\b",
            r"\bxox[a-z]-[A-Za-z0-9-]{10,}",
            r"(?<=://)[^/\s:@\"']*:[^/\s@\"']+(?=@)",  # user:password in a URL
            r"(?i:(?<=bearer )|(?<=basic )|(?<=token ))[A-Za-z0-9._~+/=-]{16,}",
        )
    ),
    re.DOTALL,
)


class Redactor:
    """Replaces secrets by `[secret]`. `secrets`: those this process holds; they are also found URL-quoted, in base64,
    JSON-escaped, and line by line."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST_KNOWN for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MARK, text)
        return SHAPES.sub(MARK, text)

    def value(self, value: object) -> object:
        """The same for JSON-like values, at any depth, keys included. Other objects are returned as they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return value


def _forms(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode()
    yield json.dumps(secret)[1:-1]
    if "\n" in secret:
        yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORTEST_KEY_LINE)
