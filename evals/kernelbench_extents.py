"""KernelBench's problems with smaller inputs and the weights they declare: what a machine without a GPU verifies in
seconds. Pure.

An extent is a constant that `get_inputs` uses and `get_init_inputs` does not: it sizes inputs, and no weight.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from kernels.task import parsed

_MOST_DECLARED, _MOST_POWER = 1 << 40, 64


def cut(source: bytes, rows: str | None, most: int) -> tuple[bytes, Mapping[str, int]]:
    """The problem with its largest extents made alike and so small that those of one input have at most `most`
    elements together, and what each that changed was. `rows`: the constant that counts rows, which is left as it is."""
    tree = parsed(source)
    declared = _declared(tree)
    weights = {one.id for one in _names(tree, "get_init_inputs")}
    extents = {name: nodes for name, nodes in declared.items() if name != rows and name not in weights}
    inputs = [
        [whole(node) or 1 for one in ast.walk(call) if isinstance(one, ast.Name) for node in extents.get(one.id, ())]
        for call in _calls(tree)
    ]
    largest = min((_largest(sizes, most) for sizes in inputs), default=1)
    changed = {
        (f"{name}[{at}]" if len(extents[name]) > 1 else name): node
        for name in sorted({one.id for one in _names(tree, "get_inputs")} & extents.keys())
        for at, node in enumerate(extents[name])
        if (whole(node) or 0) > largest
    }
    # Two names may have their value in one place.
    places = {(one.lineno, one.col_offset): one for one in changed.values()}
    for _, node in sorted(places.items(), reverse=True):
        source = replaced(source, node, str(largest))
    return source, {name: whole(node) or 0 for name, node in changed.items()}


def whole(node: ast.expr) -> int | None:
    """The value of a constant, or of products and powers of such; None for anything else."""
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            one, two = whole(left), whole(right)
            return None if one is None or two is None else one * two
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            one, two = whole(left), whole(right)
            # Constants have no sign here; a power past any tensor's rows would only take long to work out.
            return None if one is None or two is None or one > _MOST_DECLARED or two > _MOST_POWER else one**two
    return None


def replaced(source: bytes, node: ast.expr, text: str) -> bytes:
    """ValueError where the node goes over several lines."""
    lines = source.splitlines(keepends=True)
    if node.end_lineno != node.lineno or node.end_col_offset is None:
        raise ValueError("a constant over several lines")
    line = lines[node.lineno - 1]
    lines[node.lineno - 1] = line[: node.col_offset] + text.encode() + line[node.end_col_offset :]
    return b"".join(lines)


def _declared(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """The numbers that a name stands for in the end, one or those of a tuple."""
    found: dict[str, list[ast.expr]] = {}
    for one in tree.body:
        if isinstance(one, ast.Assign):
            for target in one.targets:
                for name, value in _pairs(target, one.value):
                    found[name] = value.elts if isinstance(value, ast.Tuple) else [value]
    return {name: nodes for name, nodes in found.items() if all(map(whole, nodes))}


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for left, right in zip(targets, values, strict=True):
                yield from _pairs(left, right)


def _functions(tree: ast.Module, name: str) -> Iterator[ast.FunctionDef]:
    return (one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == name)


def _names(tree: ast.Module, function: str) -> Iterator[ast.Name]:
    return (one for found in _functions(tree, function) for one in ast.walk(found) if isinstance(one, ast.Name))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Those that make inputs: of `torch.rand(batch_size, N, N)` all that is among its arguments sizes one tensor."""
    return (one for found in _functions(tree, "get_inputs") for one in ast.walk(found) if isinstance(one, ast.Call))


def _largest(sizes: Sequence[int], most: int) -> int:
    """The largest extent with which the product of all is at most `most`; 1 where none is. Where all is well as it is,
    one that cuts nothing."""

    def product(largest: int) -> int:
        found = 1
        for size in sizes:
            found *= min(size, largest)
        return found

    low, high = 1, max(sizes, default=most)
    if product(high) <= most:
        return _MOST_DECLARED
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if product(middle) <= most else (low, middle - 1)
    return low
