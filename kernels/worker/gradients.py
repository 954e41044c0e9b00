"""A model called for its gradients: the same code around the reference and around a candidate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from kernels.messages import Json, Tensor
from kernels.worker.crossing import Form, to_torch, to_wire, unpack
from kernels.worker.device import Device

# Taken before any code of others is there.
_grad, _enable_grad = torch.autograd.grad, torch.enable_grad
_MOST_PARAMETERS = 400


@dataclass(slots=True)
class Graph:
    """A call whose gradients can be asked for. `leaves`: its inputs; `outputs`: the tensors of its output in order."""

    leaves: list[torch.Tensor] = field(default_factory=list)
    output: Any = None

    @property
    def outputs(self) -> list[torch.Tensor]:
        return list(tensors(self.output))


def forward(model: Callable[..., Any], form: Form, made: list[torch.Tensor]) -> Graph:
    """A call in which gradients are recorded. `made`: tensors that are nobody else's, in any layout."""
    leaves = [one.requires_grad_() if one.is_floating_point() or one.is_complex() else one for one in made]
    # A model may write into its inputs, which no leaf allows: it gets copies, of the same strides.
    given = unpack(form, [one.clone() if one.requires_grad else one for one in leaves])
    with _enable_grad():
        return Graph(leaves, model(*given))


def backward(
    graph: Graph,
    model: torch.nn.Module,
    which: Sequence[int],
    upstream: Sequence[Tensor],
    device: Device,
    *,
    double: bool = False,
) -> tuple[Json, list[Tensor]]:
    """The gradients of the inputs and the named parameters. `which` of the output's tensors get `upstream`.

    Answers with `attached` (which of the output's tensors have a gradient at all), `names` and the tensors: what has
    no gradient has no name there.
    """
    outputs = graph.outputs
    asked = {number: device.placed(to_torch(one)) for number, one in zip(which, upstream, strict=True)}
    sources = [number for number in asked if number < len(outputs) and outputs[number].requires_grad]
    targets = {f"input {number}": one for number, one in enumerate(graph.leaves) if one.requires_grad}
    parameters = list(model.named_parameters())[:_MOST_PARAMETERS]
    targets |= {f"weight {name}": one for name, one in parameters if one.requires_grad}
    names: list[str] = []
    parts: list[Tensor] = []
    if sources and targets:
        found = _grad(
            [outputs[number] for number in sources],
            list(targets.values()),
            [asked[number].to(outputs[number].dtype) if double else asked[number] for number in sources],
            allow_unused=True,
        )
        for name, one in zip(targets, found, strict=True):
            if one is not None:
                names.append(name[:200])
                parts.append(to_wire(one))
    return {"attached": [one.requires_grad for one in outputs[:1000]], "names": names}, parts


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """Those of a value, in the order in which `crossing.pack` meets them."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tensors(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from tensors(one)
