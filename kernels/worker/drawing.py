"""Inputs and weights from a seed: what is drawn decides what a candidate is asked. Only the reference worker draws.

A float tensor keeps the shape and dtype that the task declares and gets other values: a task whose own generator draws
from [0, 1) says nothing about negative numbers. Integers stay within the range the task's own generator shows, since
they are usually indices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from kernels.worker.memory import pieces


def draw(
    like: tuple[torch.Tensor, torch.Tensor], shape: torch.Size, distribution: str, generator: torch.Generator
) -> torch.Tensor:
    """A tensor of `shape` as the task's own are; `like` are two of those, to know the range of integers by."""
    declared = like[0]
    if distribution == "declared" and shape == declared.shape:
        return declared
    if declared.dtype is torch.bool:
        return torch.rand(shape, generator=generator) < 0.5
    if not declared.is_floating_point() and not declared.is_complex():
        return _whole(like, shape, distribution, generator)
    wide = _real(shape, distribution, generator)
    if declared.is_complex():
        wide = torch.complex(wide, _real(shape, distribution, generator))
    return wide.to(declared.dtype)


def _whole(
    like: tuple[torch.Tensor, torch.Tensor], shape: torch.Size, distribution: str, generator: torch.Generator
) -> torch.Tensor:
    share = torch.rand(shape, generator=generator, dtype=torch.float64)
    if not share.numel() or not like[0].numel():
        return torch.zeros(shape, dtype=like[0].dtype)
    low = min(int(one.min()) for one in like)
    high = max(int(one.max()) for one in like)
    if distribution in ("sparse", "spike"):
        share = share**8  # most of them the same few
    elif distribution == "shifted":
        share = torch.full_like(share, float(share.flatten()[0]))
    return (low + torch.floor(share * (high - low + 1))).clamp(low, high).to(like[0].dtype)


def _real(shape: torch.Size, distribution: str, generator: torch.Generator) -> torch.Tensor:
    """Double precision values of a distribution."""
    normal = torch.randn(shape, generator=generator, dtype=torch.float64)
    match distribution:
        case "uniform":
            return torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1
        case "large":
            return normal * 1e3
        case "small":
            return normal * 1e-3
        case "lognormal":
            return normal.exp()
        case "laplace":
            other = torch.rand(shape, generator=generator, dtype=torch.float64).clamp_min(1e-12)
            return normal.sign() * -other.log()
        case "shifted":
            return normal + 2.0
        case "alternating":
            sign = torch.ones(shape, dtype=torch.float64)
            sign.view(-1)[1::2] = -1
            return normal.abs() * sign
        case "sorted":
            return normal.sort(dim=-1).values if normal.dim() else normal
        case "spike":
            if normal.numel():
                at = int(torch.randint(normal.numel(), (1,), generator=generator))
                normal.view(-1)[at] = 1e3
            return normal
        case "sparse":
            return normal * (torch.rand(shape, generator=generator) < 0.1)
        case "integers":
            return torch.randint(-1, 2, shape, generator=generator).double()
        case "normal" | "declared":
            return normal
        case _:
            raise ValueError(f"nothing is drawn by the name {distribution!r}")


Centre = tuple[torch.Tensor, float]
"""What a weight's values are drawn around, and how far from it."""
Around = Mapping[str, Centre]
"""Of each weight."""


def around(model: torch.nn.Module) -> Around:
    """Taken once, from what the constructor made: to draw around what was drawn before would wander off. A bias or a
    scale is drawn around what it was, a matrix as widely as it was spread. ValueError for complex weights."""
    found: dict[str, Centre] = {}
    for name, value in model.named_parameters():
        if value.is_complex():
            raise ValueError(f"{name} is complex; only real weights are drawn")
        if value.is_floating_point():
            found[name] = _around(value.detach())
    return found


def _around(value: torch.Tensor) -> Centre:
    if value.dim() < 2:
        return value.clone(), 0.25
    spread = _spread(value) if value.numel() > 1 else 0.0
    if not math.isfinite(spread) or spread == 0:
        spread = 1 / math.sqrt(max(1, value.shape[1:].numel()))
    return torch.zeros(()), spread


def _spread(value: torch.Tensor) -> float:
    """The standard deviation of at least two elements; exactly 0 where all are the same."""
    first = value[(0,) * value.dim()].double()
    mean = sum(float((part.double() - first).sum()) for part in pieces(value)) / value.numel()
    squares = sum(float((part.double() - first - mean).square_().sum()) for part in pieces(value))
    return math.sqrt(squares / (value.numel() - 1))


def set_state(model: torch.nn.Module, generator: torch.Generator, drawn_around: Around) -> None:
    """Gives every parameter, and the running statistics among the buffers, values in which nothing is 0 or 1 by habit.

    Biases that start at 0 and scales that start at 1 may otherwise be left out unseen; a scale of 1 stays above 0.
    Other buffers are constants of the model's making (masks, tables) and stay.
    """
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name in drawn_around:
                set_weight(value, generator, drawn_around[name])
        for name, value in model.named_buffers():
            if name.endswith("running_var"):
                value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
            elif name.endswith("running_mean"):
                value.copy_(torch.randn(value.shape, generator=generator) * 0.5)


def set_weight(value: torch.Tensor, generator: torch.Generator, drawn_around: Centre) -> None:
    """Draws one weight anew. In pieces: what is drawn is of double precision, and of a large weight too much to hold
    beside it."""
    centre, spread = drawn_around
    for part, middle in zip(pieces(value), pieces(centre.expand_as(value)), strict=True):
        noise = torch.randn(part.shape, generator=generator, dtype=torch.float64).clamp_(-3, 3)
        part.copy_(noise.mul_(spread).add_(middle.double()))
