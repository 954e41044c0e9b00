"""Makes `github.json`: `python -m demo.openapi.prune` (needs npm and the npm registry; nothing else reads the network).

The whole description has 811 paths and 13 MB; validators over all of it take gigabytes. What is kept: the operations
and webhooks of `operations.py`, and the schemas that can be reached from them. Prose and examples are dropped, and
OpenAPI 3.0's `nullable` becomes a type union, so that what remains is plain JSON Schema 2020-12.
"""

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from demo.openapi.operations import OPERATIONS, WEBHOOKS

PACKAGE = "@octokit/openapi"
VERSION = "23.0.2"
TARGET = Path(__file__).with_name("github.json")

_SCHEMA_WORDS = frozenset(
    (
        *("$ref", "type", "format", "enum", "const", "items", "properties", "required", "additionalProperties"),
        *("allOf", "anyOf", "oneOf", "not", "pattern", "uniqueItems", "minLength", "maxLength", "minItems", "maxItems"),
        *("minimum", "maximum", "minProperties", "maxProperties"),
    )
)
_PREFIX = "#/components/"


def fetch(folder: Path) -> dict[str, Any]:
    """Downloads the pinned npm package into `folder` and returns GitHub's description of api.github.com."""
    command = ["npm", "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as tar:
        member = tar.extractfile("package/generated/api.github.com.json")
        if member is None:
            raise ValueError(f"{archive.name} holds no api.github.com.json: was the package laid out anew?")
        loaded: dict[str, Any] = json.load(member)
    return loaded


def plain_schema(node: Any) -> Any:
    """One OpenAPI 3.0 schema as JSON Schema 2020-12, without prose."""
    if isinstance(node, bool):
        return node
    kept: dict[str, Any] = {}
    for word, value in node.items():
        if word not in _SCHEMA_WORDS:
            continue
        if word == "properties":
            kept[word] = {name: plain_schema(child) for name, child in value.items()}
        elif word in {"items", "not"} or (word == "additionalProperties" and isinstance(value, dict)):
            kept[word] = plain_schema(value)
        elif word in {"allOf", "anyOf", "oneOf"}:
            kept[word] = [plain_schema(child) for child in value]
        else:
            kept[word] = value
    return _with_null(kept) if node.get("nullable") else kept


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        schema["type"] = [*kinds, "null"]
        return schema
    if not schema:
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


class Pruner:
    """Cuts one description down; `components` fills up with what the kept parts refer to."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.description = description
        self.schemas: dict[str, Any] = {}

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = self._target(node["$ref"])
        return node

    def _target(self, reference: str) -> dict[str, Any]:
        kind, _, name = reference.removeprefix(_PREFIX).partition("/")
        found: dict[str, Any] = self.description["components"][kind][name]
        return found

    def _schema(self, node: dict[str, Any]) -> Any:
        plain = plain_schema(node)
        self._collect(plain)
        return plain

    def _collect(self, node: Any) -> None:
        if isinstance(node, list):
            for child in node:
                self._collect(child)
        elif isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                name = reference.removeprefix(f"{_PREFIX}schemas/")
                if name not in self.schemas:
                    self.schemas[name] = None  # claimed before its own references are followed: schemas can be cyclic
                    self.schemas[name] = self._schema(self._target(reference))
            for child in node.values():
                self._collect(child)

    def _parameters(self, nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = []
        for node in map(self._resolve, nodes):
            kept.append(
                {
                    "name": node["name"],
                    "in": node["in"],
                    "required": node.get("required", False),
                    "schema": self._schema(node.get("schema", {})),
                }
            )
        return kept

    def _content(self, node: dict[str, Any]) -> dict[str, Any]:
        contents = self._resolve(node).get("content", {})
        return {kind: self._schema(body.get("schema", {})) for kind, body in contents.items()}

    def operation(self, path: str, method: str) -> dict[str, Any]:
        """One operation: parameters, the request body by content type, the responses by status and content type."""
        node = self.description["paths"][path][method]
        body = node.get("requestBody")
        return {
            "operationId": node["operationId"],
            "parameters": self._parameters(node.get("parameters", [])),
            "request": self._content(body) if body else {},
            "requestRequired": bool(body and self._resolve(body).get("required")),
            "responses": {status: self._content(response) for status, response in node["responses"].items()},
        }

    def webhook(self, name: str) -> dict[str, Any]:
        """One webhook: its headers and the schema of its JSON payload."""
        node = self.description["x-webhooks"][name]["post"]
        return {
            "headers": [parameter["name"] for parameter in map(self._resolve, node["parameters"])],
            "payload": self._content(node["requestBody"])["application/json"],
        }


def prune(description: dict[str, Any]) -> dict[str, Any]:
    """The kept part of GitHub's description, in the layout that `validate.py` reads."""
    pruner = Pruner(description)
    paths = {path: {m: pruner.operation(path, m) for m in methods} for path, methods in OPERATIONS.items()}
    webhooks = {name: pruner.webhook(name) for name in WEBHOOKS}
    return {
        "source": f"{PACKAGE}@{VERSION} generated/api.github.com.json",
        "paths": paths,
        "webhooks": webhooks,
        "schemas": dict(sorted(pruner.schemas.items())),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pruned = prune(fetch(Path(folder)))
    TARGET.write_text(json.dumps(pruned, separators=(",", ":"), sort_keys=True) + "\n")
    print(f"{TARGET}: {TARGET.stat().st_size} bytes, {len(pruned['schemas'])} schemas")


if __name__ == "__main__":
    main()
