"""The manifest flow: a form with a manifest becomes a code, and the code becomes an App with its secrets.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import json
import re
import secrets
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from demo.github.errors import Refusal, not_found
from demo.github.records import App
from demo.github.world import World


def accept(world: World, text: str, owner: str) -> tuple[str, str]:
    """Keeps a manifest and returns the code for it and the manifest's redirect_url; Refusal 422 names what is wrong."""
    try:
        manifest: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise Refusal(422, f"The manifest is no JSON: {error}") from None
    problems = []
    if not isinstance(manifest, dict):
        raise Refusal(422, "The manifest is no JSON object")
    for name in ("name", "url", "redirect_url"):
        if not isinstance(manifest.get(name), str) or not manifest[name]:
            problems.append(f"{name} is missing")
    hook = manifest.get("hook_attributes", {})
    if not isinstance(hook, dict) or (hook and not str(hook.get("url", "")).startswith(("http://", "https://"))):
        problems.append("hook_attributes.url is no URL")
    if problems:
        raise Refusal(422, "Invalid manifest", problems)
    code = secrets.token_hex(20)
    world.manifests[code] = {**manifest, "_owner": owner}
    return code, str(manifest["redirect_url"])


def convert(world: World, code: str) -> tuple[App, str, str]:
    """The App, its private key in PEM and its webhook secret. A code is good once."""
    manifest = world.manifests.pop(code, None)
    if manifest is None:
        raise not_found()
    private, public = make_keys()
    secret = secrets.token_hex(20)
    hook = manifest.get("hook_attributes", {})
    app = world.add_app(
        re.sub(r"[^a-z0-9]+", "-", manifest["name"].lower()).strip("-"),
        manifest["name"],
        manifest["_owner"],
        public_key=public,
        permissions=dict(manifest.get("default_permissions", {})),
        events=list(manifest.get("default_events", [])),
        hook_url=hook.get("url"),
        hook_secret=secret,
    )
    app.description = manifest.get("description")
    app.external_url = manifest["url"]
    return app, private.decode(), secret


def make_keys() -> tuple[bytes, bytes]:
    """A fresh RSA key pair: private (PKCS#1 PEM, as GitHub hands out) and public (PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public
