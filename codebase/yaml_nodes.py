"""Reading YAML as nodes: values with their lines, no aliases multiplied, nothing constructed."""

from __future__ import annotations

from collections.abc import Iterator

import yaml


def entries(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Key, the key's node and the value of a mapping, merge keys (`<<`) followed once; nothing for another node."""
    if not isinstance(node, yaml.MappingNode):
        return
    merged: list[yaml.Node] = []
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value == "<<":
            merged.extend(items(value) if isinstance(value, yaml.SequenceNode) else [value])
        else:
            yield key.value, key, value
    for other in merged:
        if isinstance(other, yaml.MappingNode):
            for key, value in other.value:
                if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                    yield key.value, key, value


def get(node: yaml.Node | None, *names: str) -> yaml.Node | None:
    """The value below these keys, None where there is none."""
    for name in names:
        node = next((value for key, _, value in entries(node) if key == name), None)
    return node


def items(node: yaml.Node | None) -> list[yaml.Node]:
    """A sequence's items, nested sequences not opened; empty for another node."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def scalar(node: yaml.Node | None) -> str:
    """A scalar's text as written, empty for another node."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def words(node: yaml.Node | None) -> list[str]:
    """A scalar as a list of one, a sequence's scalars, a mapping's keys."""
    if isinstance(node, yaml.ScalarNode):
        return [node.value] if node.value else []
    if isinstance(node, yaml.MappingNode):
        return [key for key, _, _ in entries(node)]
    return [scalar(item) for item in items(node) if isinstance(item, yaml.ScalarNode)]


def line(node: yaml.Node) -> int:
    """The line, from 1, on which a node's text begins: after the indicator for a block scalar."""
    block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return int(node.start_mark.line) + (2 if block else 1)


def scripts(node: yaml.Node | None, depth: int = 0) -> Iterator[yaml.ScalarNode]:
    """Scalars that are scripts: the node itself, or those of a sequence, nested ones and `!reference`s left out."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode) and depth < 4 and not node.tag.startswith("!"):
        for item in node.value:
            yield from scripts(item, depth + 1)


def mappings(root: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """Every mapping of a document, in order; each once, so that aliases cannot multiply the work."""
    waiting = [root] if root is not None else []
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting.extend(value for _, value in reversed(node.value))
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(reversed(node.value))
