"""Inputs cut and nothing else: on problems of our own in KernelBench's form."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.kernelbench import Problem, smaller
from evals.kernelbench_extents import cut

SOURCE = """import torch

class Model(torch.nn.Module):
    pass

{constants}

def get_inputs():
    return [{inputs}]

def get_init_inputs():
    return [{init}]
"""


def source(constants: str, inputs: str = "torch.rand(batch_size, size)", init: str = "") -> bytes:
    return SOURCE.format(constants=constants, inputs=inputs, init=init).encode()


@pytest.mark.parametrize(
    ("constants", "inputs", "init", "left", "changed"),
    [
        ("size = 4096", "torch.rand(batch_size, size)", "", "size = 64", {"size": 4096}),
        ("size = 64 * 64  # wide", "torch.rand(size)", "", "size = 64  # wide", {"size": 4096}),
        ("size = 2 ** 12", "torch.rand(size)", "", "size = 64", {"size": 4096}),
        ("N = 4096", "torch.rand(N, N)", "", "N = 8", {"N": 4096}),
        ("h = w = 128", "torch.rand(3, h, w)", "", "h = w = 8", {"h": 128, "w": 128}),
        ("d, h, w = 2, 32, 16", "torch.rand(d, h, w)", "", "d, h, w = 2, 5, 5", {"h": 32, "w": 16}),
        ("shape = (4, 999)", "torch.rand(1, *shape)", "", "shape = (4, 16)", {"shape[1]": 999}),
        ("K = 128\nN = 256", "torch.rand(3, K), torch.rand(K, N)", "", "K = 8\nN = 8", {"K": 128, "N": 256}),
        # What sizes a weight is the problem's own, also where it sizes an input; so is what nothing is made of.
        ("size = 4096", "torch.rand(1, size)", "size", "size = 4096", {}),
        ("c = 512\nh = 99", "torch.rand(1, c, h)", "c", "c = 512\nh = 64", {"h": 99}),
        ("size = 8\nother = 9999", "torch.rand(1, size)", "", "size = 8\nother = 9999", {}),
        ("size = 9999\nsize = 65", "torch.rand(1, size)", "", "size = 9999\nsize = 64", {"size": 65}),
        ("größe = 'ü'; size = 99", "torch.rand(size)", "", "größe = 'ü'; size = 64", {"size": 99}),
        ("size = len('x') * 99", "torch.rand(size)", "", "size = len('x') * 99", {}),
        ("size = 64", "torch.rand(size)", "", "size = 64", {}),
        ("", "torch.rand(9999)", "", "", {}),
    ],
)
def test_what_sizes_inputs_alone_is_cut(
    constants: str, inputs: str, init: str, left: str, changed: dict[str, int]
) -> None:
    assert cut(source(constants, inputs, init), None, 64) == (source(left, inputs, init), changed)


def test_rows_are_asked_for_apart() -> None:
    assert cut(source("batch_size = 999\nsize = 99"), "batch_size", 64)[1] == {"size": 99}
    made = smaller(Problem(2, 200, "Own", source("batch_size = 999\nsize = 99")), 3, 64)
    assert (made.batch, made.declared, made.extents) == (3, 999, {"size": 99})
    assert made.task.source == source("batch_size = 3\nsize = 64")


@given(st.lists(st.integers(2, 5000), min_size=1, max_size=4), st.integers(1, 100_000))
def test_no_input_has_more_elements_and_no_extent_is_cut_for_nothing(sizes: list[int], most: int) -> None:
    names = [f"n{at}" for at in range(len(sizes))]
    text = "\n".join(f"{name} = {size}" for name, size in zip(names, sizes, strict=True))
    found, changed = cut(source(text, f"torch.rand({', '.join(names)})"), None, most)
    left: dict[str, int] = {}
    exec("\n".join(line for line in found.decode().splitlines() if line[:1] == "n"), left)
    after = [left[name] for name in names]
    assert math.prod(after) <= most
    assert changed == {name: size for name, size, now in zip(names, sizes, after, strict=True) if now != size}
    if changed:
        largest = max(left[name] for name in changed)
        assert math.prod(min(size, largest + 1) for size in sizes) > most, "one more would not have fitted"
