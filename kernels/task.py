"""A task: what a kernel must compute. Read, never executed: the reference runs in a box of its own.

Either a Python file in KernelBench's form (`Model`, `get_inputs`, `get_init_inputs`) or a folder with a `task.toml`
that names such a file and says more about what counts as right.
"""

from __future__ import annotations

import ast
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from kernels.comparing import Tolerance
from kernels.distributions import DISTRIBUTIONS
from kernels.tensors import MOST_DIMENSIONS

MOST_SOURCE = 1 << 20
_NEEDED = ("Model", "get_inputs", "get_init_inputs")
LAYOUTS = ("contiguous", "offset", "transposed")
_KEYS = frozenset(
    {
        "reference",
        "mode",
        "tolerance",
        "shapes",
        "layouts",
        "distributions",
        "allow_library_ops",
        "device",
        "backward",
        "nonfinite",
    }
)

_OPERATION = re.compile(r"[a-z_]\w*::[A-Za-z_]\w*")

Shapes = tuple[tuple[int, ...], ...]


class TaskError(ValueError):
    """A task or candidate that cannot be read: what is wrong with it and what to do, for a person."""


@dataclass(frozen=True, slots=True)
class Task:
    """`source`: the reference's bytes. `train`: whether the model is in training mode, as KernelBench leaves it.
    `shapes`: beside the declared one, of each tensor input in order. `layouts`: what inputs may look like in memory.
    `distributions`: those that are drawn from, None for all. `both_modes`: in evaluation mode too. `backward`: its
    gradients are held to the reference's too. `library_ops`: the only operations of torch's own that may compute, None
    for any. `same_nonfinite`: a NaN or an infinity in an input must come out as the reference's does."""

    name: str
    source: bytes
    train: bool = True
    tolerance: Tolerance = Tolerance()  # noqa: RUF009 - frozen
    shapes: tuple[Shapes, ...] = ()
    layouts: tuple[str, ...] = ("contiguous",)
    distributions: tuple[str, ...] | None = None
    device: Literal["cpu", "cuda"] | None = None
    both_modes: bool = False
    backward: bool = False
    library_ops: tuple[str, ...] | None = None
    same_nonfinite: bool = False

    @property
    def mixes(self) -> bool:
        """Whether a call may be made with elements of several drawn inputs. Not where only the task's own inputs are
        allowed: what their elements have to do with each other is not known (sorted, a permutation)."""
        return self.distributions is None or any(one != "declared" for one in self.distributions)

    @property
    def digest(self) -> str:
        """Names the task's contents."""
        facts = (self.train, self.tolerance, self.shapes, self.layouts, self.distributions, self.device)
        more = (self.both_modes, self.backward, self.library_ops, self.same_nonfinite)
        return hashlib.sha256(self.source + repr(facts + more).encode()).hexdigest()


def read_task(path: Path) -> Task:
    """Raises TaskError."""
    if path.is_dir():
        return _from_folder(path)
    return Task(path.stem, _source(path))


def make_task(name: str, source: bytes, given: Mapping[str, Any]) -> Task:
    """A task from a reference's bytes and the keys of a `task.toml`. TaskError."""
    unknown = sorted(set(given) - (_KEYS - {"reference"}))
    if unknown:
        raise TaskError(f"{unknown[0]} is no key of a task")
    if len(source) > MOST_SOURCE:
        raise TaskError(f"the task {name} has more than {MOST_SOURCE} bytes")
    try:
        return _with(Task(name, _checked(source, name)), given)
    except (ValueError, TypeError) as error:
        raise TaskError(str(error)) from None


def read_source(path: Path, what: str) -> bytes:
    """A Python file's bytes, at most 1 MiB. TaskError."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_SOURCE + 1)
    except OSError as error:
        raise TaskError(f"the {what} {path} cannot be read: {error.strerror}") from None
    if len(data) > MOST_SOURCE:
        raise TaskError(f"the {what} {path} has more than {MOST_SOURCE} bytes")
    return data


def top_level(tree: ast.Module) -> Mapping[str, list[ast.stmt]]:
    """The functions, classes and plain assignments of a module by name."""
    found: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            found.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node)
    return found


def parsed(source: bytes) -> ast.Module:
    """SyntaxError, also for what Python says with another error."""
    try:
        return ast.parse(source)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"it cannot be parsed ({type(error).__name__})") from None


def _source(path: Path) -> bytes:
    return _checked(read_source(path, "task"), path)


def _checked(data: bytes, path: Path | str) -> bytes:
    try:
        names = top_level(parsed(data))
    except SyntaxError as error:
        raise TaskError(f"the task {path} is no Python: line {error.lineno}: {error.msg}") from None
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise TaskError(
            f"the task {path} defines no {', '.join(missing)}: a task has a class Model and the functions get_inputs "
            "and get_init_inputs at its top level"
        )
    return data


def _from_folder(folder: Path) -> Task:
    file = folder / "task.toml"
    try:
        given = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise TaskError(f"{file} cannot be read: {error.strerror}. A task's folder has a task.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TaskError(f"{file} is no TOML: {error}") from None
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise TaskError(f"{file}: {unknown[0]} is no key of a task; there are {', '.join(sorted(_KEYS))}")
    reference = given.get("reference", "reference.py")
    if not isinstance(reference, str) or "/" in reference or reference.startswith("."):
        raise TaskError(f"{file}: reference names a file beside it, such as reference.py")
    found = Task(folder.resolve().name, _source(folder / reference))
    try:
        return _with(found, given)
    except (ValueError, TypeError) as error:
        raise TaskError(f"{file}: {error}") from None


def _with(task: Task, given: Mapping[str, Any]) -> Task:
    mode = given.get("mode", "train")
    if mode not in ("train", "eval", "both"):
        raise ValueError('mode is "train", "eval" or "both"')
    backward = given.get("backward", False)
    if not isinstance(backward, bool):
        raise ValueError("backward is true or false")
    nonfinite = given.get("nonfinite", "free")
    if nonfinite not in ("free", "same"):
        raise ValueError('nonfinite is "free" or "same"')
    device = given.get("device")
    if device not in (None, "cpu", "cuda"):
        raise ValueError('device is "cpu" or "cuda"')
    shapes = tuple(_shapes(one) for one in _list(given, "shapes", []))
    distributions = _names(given, "distributions", None)
    if shapes and distributions is not None and set(distributions) == {"declared"}:
        raise ValueError("shapes needs a distribution beside declared: get_inputs makes the declared shape alone")
    return replace(
        task,
        train=mode != "eval",
        tolerance=_tolerance(given.get("tolerance", {})),
        shapes=shapes,
        layouts=_names(given, "layouts", LAYOUTS) or ("contiguous",),
        distributions=distributions,
        device=device,
        both_modes=mode == "both",
        backward=backward,
        library_ops=_library_ops(given.get("allow_library_ops", "any")),
        same_nonfinite=nonfinite == "same",
    )


def _library_ops(given: Any) -> tuple[str, ...] | None:
    if given in ("any", "none"):
        return None if given == "any" else ()
    if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
        raise ValueError('allow_library_ops is "any", "none" or a list of names such as "aten::mm"')
    odd = [one for one in given if not _OPERATION.fullmatch(one)]
    if odd:
        raise ValueError(f'allow_library_ops: {odd[0]!r} is no name of an operation, such as "aten::mm"')
    return tuple(sorted(set(given)))


def _tolerance(given: Any) -> Tolerance:
    if not isinstance(given, dict) or not set(given) <= {"ratio", "floor", "element_ratio"}:
        raise ValueError("tolerance is a table of ratio, floor and element_ratio")
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in given.values()):
        raise ValueError("a tolerance is made of numbers")
    try:
        return Tolerance(**{name: float(value) for name, value in given.items()})
    except OverflowError:
        raise ValueError("a number of the tolerance is larger than any that is one") from None


def _shapes(given: Any) -> Shapes:
    if not isinstance(given, list) or not all(isinstance(one, list) and len(one) <= MOST_DIMENSIONS for one in given):
        raise ValueError("shapes is a list of lists: for each case the shape of every tensor input")
    for shape in given:
        if not all(type(size) is int and 0 <= size < 1 << 31 for size in shape):
            raise ValueError(f"{shape} is no shape")
    return tuple(tuple(shape) for shape in given)


def _list(given: Mapping[str, Any], key: str, default: list[Any]) -> list[Any]:
    found = given.get(key, default)
    if not isinstance(found, list):
        raise ValueError(f"{key} is a list")
    return found


def _names(given: Mapping[str, Any], key: str, known: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if key not in given:
        return None
    known = known or DISTRIBUTIONS
    found = _list(given, key, [])
    odd = [one for one in found if one not in known]
    if odd or not found:
        raise ValueError(f"{key}: {odd[0] if odd else 'an empty list'} is none of {', '.join(known)}")
    return tuple(found)
