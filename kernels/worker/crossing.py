"""Values of torch to a form of JSON with tensors' bytes beside it, and back.

Taken hold of when the process starts, before any code of others is there: a candidate that replaces a method of
torch.Tensor changes its own calls and not how its outputs are read. A tensor with a life of its own (a subclass, an
instance with attributes) is no tensor here: what happens when it is read would be the candidate's choice.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import torch

from kernels.messages import Tensor
from kernels.tensors import DTYPES, TensorSpec

_TORCH = {name: getattr(torch, name) for name in DTYPES}
_NAMES = {dtype: name for name, dtype in _TORCH.items()}
_detach, _contiguous = torch.Tensor.detach, torch.Tensor.contiguous
_cpu, _data_ptr, _numel = torch.Tensor.cpu, torch.Tensor.data_ptr, torch.Tensor.numel
_resolve_conj, _resolve_neg = torch.Tensor.resolve_conj, torch.Tensor.resolve_neg
_stride, _copy, _clone = torch.Tensor.stride, torch.Tensor.copy_, torch.Tensor.clone
_element_size, _get_device = torch.Tensor.element_size, torch.Tensor.get_device
_string_at, _frombuffer, _type = ctypes.string_at, torch.frombuffer, type
_MOST_ITEMS, _MOST_PARTS = 1000, 4096
_MOST_BYTES = (1 << 31) - 1  # ctypes.string_at counts in a C int: what is longer would be cut or fail without a reason
_DEEPEST = 8  # kernels.forms reads no more

Form = dict[str, Any]


def pack(value: Any, on: str = "cpu") -> tuple[Form, list[Tensor]]:
    """What a value is made of, and its tensors' bytes in order. What is no value, is nested too deeply, has too many
    parts or is a tensor anywhere but `on` that kind of device gets the kind `other`."""
    tensors: list[Tensor] = []
    return _pack(value, on, tensors, iter(range(_MOST_PARTS)), 0), tensors


def _pack(value: Any, on: str, tensors: list[Tensor], room: Iterator[int], depth: int) -> Form:
    if depth > _DEEPEST or next(room, None) is None:
        return {"k": "other", "type": "a value that is nested too deeply or has too many parts"}
    kind = _type(value)
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        return _pack_tensor(value, on, tensors)
    if kind in (tuple, list):
        if len(value) > _MOST_ITEMS:
            return {"k": "other", "type": "a sequence that is too long"}
        return {"k": kind.__name__, "items": [_pack(one, on, tensors, room, depth + 1) for one in value]}
    if kind is dict:
        if len(value) > _MOST_ITEMS or not all(_type(key) is str for key in value):
            return {"k": "other", "type": "a dict that is too long or has keys that are no strings"}
        return {
            "k": "dict",
            "keys": list(value),
            "items": [_pack(one, on, tensors, room, depth + 1) for one in value.values()],
        }
    if kind is float:
        return {"k": "float", "v": value.hex()}
    if kind is int and abs(value) < 1 << 63:
        return {"k": "int", "v": value}
    if value is None or kind is bool or (kind is str and len(value) < 1000):
        return {"k": "plain", "v": value}
    return {"k": "other", "type": str(getattr(kind, "__name__", "?"))[:100]}


def _pack_tensor(value: Any, on: str, tensors: list[Tensor]) -> Form:
    if value.dtype not in _NAMES or value.layout is not torch.strided or value.is_quantized:
        return {"k": "other", "type": f"a tensor of {value.dtype}, {value.layout}"[:100]}
    if not _is_on(value, on):
        return {"k": "other", "type": f"a tensor on {value.device.type}, not on {on}"[:100]}
    if value.__dict__:
        return {"k": "other", "type": "a tensor with attributes of its own"}
    form = {
        "k": "tensor",
        "n": len(tensors),
        "stride": list(_stride(value)),
        "lazy": bool(value.is_conj() or value.is_neg()),
    }
    tensors.append(to_wire(value))
    return form


def _is_on(value: torch.Tensor, on: str) -> bool:
    """By its index where the processor is meant: where that stands in for a device (`cuda_on_cpu`), tensors say that
    they are on the device."""
    return bool(_get_device(value) < 0) if on == "cpu" else bool(value.device.type == on)


def to_wire(value: torch.Tensor) -> Tensor:
    """A tensor's bytes, in row-major order. ValueError for 2 GiB and more, before anything is copied."""
    size = _numel(value) * _element_size(value)
    if size > _MOST_BYTES:
        raise ValueError(f"one answer has {size >> 20} MiB of tensors, at most {_MOST_BYTES >> 20} MiB can be sent")
    plain = _contiguous(_resolve_neg(_resolve_conj(_cpu(_detach(value)))))
    spec = TensorSpec(_NAMES[plain.dtype], tuple(plain.shape))
    data = _string_at(_data_ptr(plain), spec.bytes) if spec.bytes else b""
    return Tensor(spec, data)


def to_torch(tensor: Tensor) -> torch.Tensor:
    """A tensor in memory of its own."""
    dtype = _TORCH[tensor.spec.dtype]
    if not tensor.spec.bytes:
        return torch.empty(tensor.spec.shape, dtype=dtype)
    return _clone(_frombuffer(bytearray(tensor.data), dtype=dtype)).reshape(tensor.spec.shape)


def unpack(form: Form, tensors: list[torch.Tensor]) -> Any:
    """The value that `pack` took apart, around tensors that are there already."""
    match form["k"]:
        case "tensor":
            return tensors[form["n"]]
        case "tuple":
            return tuple(unpack(one, tensors) for one in form["items"])
        case "list":
            return [unpack(one, tensors) for one in form["items"]]
        case "dict":
            items = [unpack(one, tensors) for one in form["items"]]
            return dict(zip(form["keys"], items, strict=True))
        case "float":
            return float.fromhex(form["v"])
        case "int" | "plain":
            return form["v"]
    raise ValueError(f"a {form['k']} ({form.get('type')}) cannot be handed on")


def laid_out(value: torch.Tensor, layout: str) -> torch.Tensor:
    """The same elements in other memory: `offset` begins one element into its storage, `transposed` has the strides of
    the transposed."""
    if layout == "offset" and _numel(value):
        room = torch.empty(_numel(value) + 1, dtype=value.dtype, device=value.device)
        return _copy(room[1:].view(value.shape), value)
    if layout == "transposed" and value.dim() >= 2:
        return value.transpose(-1, -2).contiguous().transpose(-1, -2)
    return value
