"""Every buffer that a Triton kernel is handed lies alone in memory of ours, and every access is held against them.

Triton's interpreter computes addresses with numpy and reads and writes them as they come: an index too far clobbers
whatever lies behind. Here each launch has its buffers moved between two bands of NaN, so that none is next to another;
a load from outside all of them gets NaN (whether that matters the numbers tell), a store or an atomic there raises
before it writes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from kernels.worker.bands import BAND
from kernels.worker.triton_launches import Seen, candidate_line

_POISON = 0xFF
"""In every byte: NaN as a float of any width, -1 as an integer."""


class OutOfBounds(Exception):
    """A kernel writes to memory that it was not handed."""


class Buffers:
    """The buffers of one launch: (first address, bytes, name of the argument) of each."""

    def __init__(self, kernel: str) -> None:
        self.kernel = kernel
        self.spans: list[tuple[int, int, str]] = []
        self.moved: dict[int, tuple[torch.Tensor, torch.Tensor, Any]] = {}
        self.patched: set[frozenset[int]] = set()
        self.forged = False
        """The kernel makes pointers of integers: what lies elsewhere may be a tensor too."""

    def move(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        """The same view of a copy of its memory. Views of one memory stay views of one."""
        storage = tensor.untyped_storage()
        key = storage.data_ptr()
        if key not in self.moved:
            room = torch.full((storage.nbytes() + 2 * BAND,), _POISON, dtype=torch.uint8)
            inner = room[BAND : BAND + storage.nbytes()]
            own = torch.empty(0, dtype=torch.uint8).set_(storage)
            inner.copy_(own)
            self.moved[key] = (own, inner, room.untyped_storage())
            self.spans.append((inner.data_ptr(), storage.nbytes(), name))
        offset = BAND // tensor.element_size() + tensor.storage_offset()
        placed = torch.empty(0, dtype=tensor.dtype)
        return placed.set_(self.moved[key][2], offset, tensor.size(), tensor.stride())

    def give_back(self) -> None:
        """What the kernel left in its buffers, to where they came from."""
        for own, inner, _ in self.moved.values():
            own.copy_(inner)

    def outside(self, addresses: Any, mask: Any, size: int) -> Any:
        """Which of the active accesses, of `size` bytes each, are not within a buffer; None when all are."""
        active = np.broadcast_to(mask, addresses.shape)
        found = addresses[active]
        if not found.size:
            return None
        least, most = int(found.min()), int(found.max())
        if any(begin <= least and most + size <= begin + length for begin, length, _ in self.spans):
            return None
        inside = np.zeros(addresses.shape, dtype=bool)
        for begin, length, _ in self.spans:
            inside |= (addresses >= begin) & (addresses + np.uint64(size) <= begin + length)
        bad = active & ~inside
        if self.forged:
            near = np.zeros(addresses.shape, dtype=bool)
            for begin, length, _ in self.spans:
                near |= (addresses >= begin - BAND) & (addresses < begin + length + BAND)
            bad &= near
        return bad if bad.any() else None

    def described(self, addresses: Any, bad: Any, size: int) -> str:
        """Where the first of them is, from the buffer it is closest to."""
        address = int(addresses[bad].flat[0])
        distance, text = math.inf, "an address near no buffer"
        for begin, length, name in self.spans:
            after, before = address + size - begin - length, begin - address
            if 0 < after < distance:
                distance, text = after, f"{after} bytes past the end of {name}"
            if 0 < before < distance:
                distance, text = before, f"{before} bytes before the beginning of {name}"
        return f"{int(bad.sum())} elements, the first {text}"


def install(seen: Seen) -> None:
    """Puts the guard around Triton's interpreter. Before any candidate is there."""
    from triton.runtime import interpreter
    from triton.tools.tensor_descriptor import TensorDescriptor

    builder, executor = interpreter.InterpreterBuilder, interpreter.GridExecutor
    load, store = builder.create_masked_load, builder.create_masked_store
    rmw, cas, cast = builder.create_atomic_rmw, builder.create_atomic_cas, builder.create_int_to_ptr
    call, patch = executor.__call__, interpreter._patch_lang
    running: list[Buffers] = []

    def width(pointers: Any) -> int:
        return int(interpreter._get_np_dtype(pointers.get_element_ty()).itemsize)

    def written(pointers: Any, mask: Any) -> None:
        if not running:
            return
        bad = running[-1].outside(pointers.data, mask, width(pointers))
        if bad is not None:
            where = running[-1].described(pointers.data, bad, width(pointers))
            text = f"the kernel {running[-1].kernel} writes out of bounds: {where}"
            seen.end("out_of_bounds", text, candidate_line())
            raise OutOfBounds(text)

    def masked_load(self: Any, pointers: Any, mask: Any, other: Any, *rest: Any) -> Any:
        bad = running[-1].outside(pointers.data, mask.data, width(pointers)) if running else None
        if bad is None:
            return load(self, pointers, mask, other, *rest)
        where = running[-1].described(pointers.data, bad, width(pointers))
        seen.read(running[-1].kernel, f"the kernel {running[-1].kernel} reads out of bounds: {where}", candidate_line())
        kept = interpreter.TensorHandle(np.broadcast_to(mask.data, pointers.data.shape) & ~bad, mask.dtype)
        found = load(self, pointers, kept, other, *rest)
        data = np.array(found.data)
        data[bad] = np.full(1, _POISON, dtype=np.uint8).repeat(data.itemsize).view(data.dtype)[0]
        return interpreter.TensorHandle(data, found.dtype)

    def masked_store(self: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        written(pointers, mask.data)
        return store(self, pointers, value, mask, *rest)

    def atomic_rmw(self: Any, op: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        written(pointers, mask.data)
        return rmw(self, op, pointers, value, mask, *rest)

    def atomic_cas(self: Any, pointers: Any, *rest: Any) -> Any:
        written(pointers, np.ones(pointers.data.shape, dtype=bool))
        return cas(self, pointers, *rest)

    def int_to_ptr(self: Any, *args: Any) -> Any:
        if running:
            running[-1].forged = True
        return cast(self, *args)

    def moved(value: Any, name: str) -> Any:
        if isinstance(value, tuple):
            parts = [moved(one, f"{name}[{number}]") for number, one in enumerate(value)]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        if isinstance(value, TensorDescriptor):
            return TensorDescriptor(
                moved(value.base, name), value.shape, value.strides, value.block_shape, value.padding,
                value.round_f32_to_tf32,
            )  # fmt: skip
        if not hasattr(value, "data_ptr"):
            return value
        return interpreter._rewrap_tensor(running[-1].move(interpreter._unwrap_tensor(value), name), value)

    def patch_language(fn: Any) -> Any:
        # The interpreter does this anew for every call of a function within a kernel, tl.sum among them: most of its
        # time. Once a launch is the same.
        tl = interpreter.tl
        names = frozenset(id(one) for one in fn.__globals__.values() if one is tl or one is tl.core)
        if running and names in running[-1].patched:
            return None
        if running:
            running[-1].patched.add(names)
        return patch(fn)

    def arguments(self: Any, given: Any, named: Any) -> Any:
        names = [*self.arg_names, *("" for _ in given)]
        return [moved(one, names[number]) for number, one in enumerate(given)], {
            name: moved(one, name) for name, one in named.items()
        }

    def launched(self: Any, *args: Any, **kwargs: Any) -> Any:
        if seen.silent:
            return None
        grid = self.grid

        def sizes(given: Any) -> Any:
            # The interpreter hands a grid function its own scalars, a device's launcher plain numbers.
            found = grid(plain(given)) if callable(grid) else grid
            found = tuple(int(one) for one in (found if isinstance(found, tuple | list) else (found,)))
            seen.launch(self.fn, found)
            return found

        def plain(given: Any) -> Any:
            return {
                name: value.handle.data.item()
                if isinstance(value, interpreter.tl.tensor) and not value.dtype.is_ptr()
                else value
                for name, value in given.items()
            }

        self.grid = sizes
        running.append(Buffers(self.fn.__name__))
        try:
            return call(self, *args, **kwargs)
        finally:
            running.pop()

    def back(self: Any, *_: Any) -> None:
        running[-1].give_back()

    builder.create_masked_load, builder.create_masked_store = masked_load, masked_store
    builder.create_atomic_rmw, builder.create_atomic_cas = atomic_rmw, atomic_cas
    builder.create_int_to_ptr, interpreter._patch_lang = int_to_ptr, patch_language
    executor._init_args_hst, executor._restore_args_dev, executor.__call__ = arguments, back, launched
