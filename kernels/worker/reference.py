"""The reference worker: draws inputs and weights, computes what is right in double precision and as the task means it.

It runs in a box of its own, without any candidate: a task's code comes from a repository and is not trusted either.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import torch

from kernels.messages import Json, Tensor, head_bytes
from kernels.tensors import DTYPES
from kernels.worker import calling, gradients, machine
from kernels.worker.conversation import Answer, Operation, Trouble, converse, told
from kernels.worker.crossing import laid_out, pack, to_wire, unpack
from kernels.worker.device import Device, of_arguments
from kernels.worker.drawing import Around, around, draw, set_state, set_weight
from kernels.worker.memory import begin, copied, pieces
from kernels.worker.program import load

_FILE = "/task.py"
_LOOKING_S = 15.0
Moved = Callable[[torch.Tensor], torch.Tensor]
"""By how much of a unit in its last place each element of a value is rounded otherwise."""


class Reference:
    """One task's model and what it is asked. What is drawn is drawn on the processor, so that a seed means the same
    everywhere; what is computed is computed on the device."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._module = ModuleType("task")
        self._model = torch.nn.Module()
        self._init: list[Any] = []
        self._around: Around = {}
        self._train = True
        self._called = torch.nn.Module()

    def operations(self) -> Mapping[str, Operation]:
        names = (
            "load",
            "state",
            "inputs",
            "expect",
            "nearby",
            "gradients",
            "call",
            "scalars",
            "sensitivity",
            "work",
        )
        return {name: _within(getattr(self, f"_{name}")) for name in names}

    def _load(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """Executes the task. Answers with what the model's constructor is given."""
        # The task before this one goes first: two models may be more than the box holds.
        self._model = self._called = torch.nn.Module()
        self._module = load(bytes(tensors[0].data), "task")
        self._train = head["train"]
        for name in ("Model", "get_inputs", "get_init_inputs"):
            if not callable(getattr(self._module, name, None)):
                raise Trouble("task", f"the task defines no {name}")
        self._init = _guarded(lambda: list(self._module.get_init_inputs()))
        self._model = _guarded(self._made)
        self._around = _guarded(lambda: around(self._model))
        form, packed = pack(self._init)
        if self._device.beside:
            _guarded(lambda: self._model.to(self._device.name))
        return {"init": form}, packed

    def _made(self) -> torch.nn.Module:
        torch.manual_seed(0)
        model: torch.nn.Module = self._module.Model(*self._init).train(self._train)
        return model

    def _state(self, head: Json, _: Sequence[Tensor]) -> Answer:
        """Draws new weights. Answers with all of the state, or with `quiet` nothing: of some tasks it is gigabytes."""
        generator = torch.Generator().manual_seed(head["seed"])
        self._called = torch.nn.Module()
        _guarded(lambda: set_state(self._model, generator, self._around))
        return ({"names": []}, ()) if head.get("quiet") else _state_of(self._model)

    def _inputs(self, head: Json, _: Sequence[Tensor]) -> Answer:
        """Draws inputs, as contiguous tensors. The same head gives the same inputs."""
        form, packed = pack(self._drawn(head))
        return {"inputs": form}, packed

    def _drawn(self, head: Json) -> list[Any]:
        torch.manual_seed(head["seed"])
        declared = _guarded(lambda: list(self._module.get_inputs()))
        other = _guarded(lambda: list(self._module.get_inputs()))
        generator = torch.Generator().manual_seed(head["seed"])
        shapes = head.get("shapes")
        if len(declared) != len(other):
            raise Trouble("task", "get_inputs gives another number of inputs each time")
        count = sum(isinstance(one, torch.Tensor) for one in declared)
        if shapes is not None and len(shapes) != count:
            raise Trouble("task", f"a case of `shapes` has {len(shapes)} shapes, get_inputs gives {count} tensors")
        drawn: list[Any] = []
        for one, two in zip(declared, other, strict=True):
            if not isinstance(one, torch.Tensor):
                drawn.append(one)
                continue
            shape = one.shape if shapes is None else torch.Size(shapes.pop(0))
            drawn.append(draw((one.cpu().contiguous(), two.cpu().contiguous()), shape, head["distribution"], generator))
        return drawn

    def _expect(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """What is right for inputs: as the task means it, and in double precision. The model stays as it was.

        The inputs come from the broker, as the candidate had them. With `state_after` and `inputs_after`, also what the
        call made of both. `train`: in that mode.
        """
        answer, found, after = self._as_meant(head, tensors)
        with torch.no_grad():
            exact, doubled = self._exactly(head, tensors)
        if _shapes(found) != _shapes(doubled):
            exact, doubled = False, found
        return {**answer, "count": len(found), "exact": exact}, [*found, *doubled, *after]

    def _as_meant(self, head: Json, tensors: Sequence[Tensor]) -> tuple[Json, list[Tensor], list[Tensor]]:
        """Of `_expect`: what is said of the call, its outputs, and what it made of state and inputs. Nothing of the
        call is left behind: the model in double precision needs the room."""
        made, given = self._arguments(head, tensors, head.get("layout", "contiguous"))
        with torch.no_grad():
            model = self._copied_model(head)
            output = _guarded(lambda: model(*given))
            native, found = pack(output, self._device.name)
            aliases = bool(_storages(output) & _storages(made))
            of_state = bool(_storages(output) & _storages(list(model.state_dict().values())))
        answer: Json = {"output": native, "aliases": aliases, "of_state": of_state}
        after: list[Tensor] = []
        if head.get("state_after"):
            names, state = _state_of(model)
            answer["state"] = names["names"]
            after += state
        if head.get("inputs_after"):
            after += [to_wire(one) for one in made]
        return answer, found, after

    def _exactly(self, head: Json, tensors: Sequence[Tensor], moved: Moved | None = None) -> tuple[bool, list[Tensor]]:
        """The outputs in double precision, and whether it could be done: a model may insist on its own dtype. `moved`
        rounds inputs and weights otherwise."""
        try:
            output = self._wide_model(head, moved)(*unpack(head["inputs"], self._widely(head, tensors, moved)))
            _, found = pack(output, self._device.name)
        except Exception:
            return False, []
        return True, found

    def _widely(self, head: Json, tensors: Sequence[Tensor], moved: Moved | None) -> list[torch.Tensor]:
        """The inputs in double precision."""
        made, _ = self._arguments(head, tensors, "contiguous")
        return [laid_out(_widened(one, moved), head.get("layout", "contiguous")) for one in made]

    def _wide_model(self, head: Json, moved: Moved | None) -> torch.nn.Module:
        model = self._copied_model(head).double()
        if moved is not None:
            for own, value in zip(self._model.parameters(), model.parameters(), strict=True):
                _move(value, own.dtype, moved)
        return model

    def _copied_model(self, head: Json) -> torch.nn.Module:
        """One that a call may change. `train`: in another mode than the task's."""
        model = copied(self._model)
        return model.train(head["train"]) if "train" in head else model

    def _nearby(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """The exact outputs, several times, for inputs and weights each moved by up to half a unit in its last place:
        what another order of rounding may do to each element. Fewer times where that takes long."""
        moved = _mover(torch.Generator().manual_seed(1))
        parts: list[Tensor] = []
        counts = set()
        until = time.monotonic() + _LOOKING_S
        with torch.no_grad():
            for number in range(head["times"]):
                if number and time.monotonic() > until:
                    break
                _, found = self._exactly(head, tensors, moved)
                counts.add(len(found))
                parts += found
        return {"count": counts.pop() if len(counts) == 1 else -1}, parts

    def _gradients(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """The gradients of one call, as the task means it, in double precision, and `times` with what it is computed
        from rounded otherwise. `which` of the output's tensors get the last of the tensors."""
        which, layout = head["which"], head["layout"]
        given, upstream = tensors[: len(tensors) - len(which)], tensors[len(tensors) - len(which) :]
        made, _ = self._arguments(head, given, layout)
        answer, parts = _guarded(lambda: self._flow(self._copied_model(head), head, made, upstream))
        if not parts:
            return answer, ()
        generator = torch.Generator().manual_seed(1)
        runs = [self._exact_gradients(head, given, upstream, None)]
        for _ in range(head["times"]):
            runs.append(self._exact_gradients(head, given, upstream, _mover(generator)))
        if any(_shapes(one) != _shapes(parts) for one in runs):
            return answer, [*parts, *parts]
        return answer, [*parts, *(one for run in runs for one in run)]

    def _flow(
        self,
        model: torch.nn.Module,
        head: Json,
        made: list[torch.Tensor],
        upstream: Sequence[Tensor],
        *,
        double: bool = False,
    ) -> Answer:
        graph = gradients.forward(model, head["inputs"], made)
        return gradients.backward(graph, model, head["which"], upstream, self._device, double=double)

    def _exact_gradients(
        self, head: Json, given: Sequence[Tensor], upstream: Sequence[Tensor], moved: Moved | None
    ) -> Sequence[Tensor]:
        """Nothing where the model insists on its own dtype."""
        try:
            model, made = self._wide_model(head, moved), self._widely(head, given, moved)
            return self._flow(model, head, made, upstream, double=True)[1]
        except Exception:
            return []

    def _call(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """One call as the task means it, and the seconds it took. Of a copy of the model, or of the same object as the
        last call (`again`), which shows what it remembers.

        `rounded`: inputs, weights and output rounded to bfloat16. `otherwise`: a model made with another value of one
        of its constructor's parameters, and with the same weights; where there is no such model, the answer is
        `refused`. Neither of the two is called again: they have weights of their own, and are not kept.
        """
        again = self._called if head.get("again") else None
        self._called = torch.nn.Module()  # what has weights of its own is not held beside the next
        rounded = bool(head.get("rounded"))
        if "otherwise" in head:
            try:
                model = self._otherwise(*head["otherwise"])
            except Exception as error:
                return {"refused": told(error, _FILE)[0]}, ()
        else:
            model = again if again is not None else _guarded(lambda: copied(self._model))
        with torch.no_grad():
            made, given = self._arguments(head, tensors, "contiguous")
            for one in [*made, *model.parameters(), *model.buffers()] if rounded else ():
                for part in pieces(one) if one.is_floating_point() else ():
                    part.copy_(part.bfloat16())
            began = time.perf_counter()
            output = _guarded(lambda: self._device.waited_for(model)(*given))
            seconds = time.perf_counter() - began
            form, found = pack(_in_brain_floats(output) if rounded else output, self._device.name)
        if not rounded and "otherwise" not in head:
            self._called = model
        return {"output": form, "seconds": seconds}, found

    def _otherwise(self, name: str, value: Any) -> torch.nn.Module:
        bound = self._bound()
        bound.arguments[name] = value
        torch.manual_seed(0)
        model: torch.nn.Module = self._module.Model(*bound.args, **bound.kwargs).train(self._train)
        model.load_state_dict(self._model.state_dict())
        return model.to(self._device.name) if self._device.beside else model

    def _bound(self) -> inspect.BoundArguments:
        bound = inspect.signature(self._module.Model).bind(*self._init)
        bound.apply_defaults()
        return bound

    def _scalars(self, head: Json, _: Sequence[Tensor]) -> Answer:
        """The parameters of the constructor that are numbers with a fraction or flags, with their values. Whole numbers
        are sizes."""
        given = _guarded(self._bound).arguments
        return {
            "scalars": [
                [name, value]
                for name, value in given.items()
                if type(value) is bool or (type(value) is float and math.isfinite(value))
            ]
        }, ()

    def _sensitivity(self, head: Json, _: Sequence[Tensor]) -> Answer:
        """By how much the outputs change, relative to their size, when one input or one weight is drawn anew."""
        inputs = self._placed(self._drawn({**head, "seed": head["seed"]}))
        others = self._placed(self._drawn({**head, "seed": head["other"]}))
        generator = torch.Generator().manual_seed(head["other"])
        changes: Json = {"inputs": [], "state": {}}
        with torch.no_grad():
            before = _numbers(copied(self._model), inputs)
            for number, value in enumerate(inputs):
                if isinstance(value, torch.Tensor) and value.numel():
                    changed = [*inputs[:number], others[number], *inputs[number + 1 :]]
                    change = _change(before, _numbers(copied(self._model), changed))
                    changes["inputs"].append([number, change])
            for name, _value in list(self._model.named_parameters())[:200]:
                model = copied(self._model)
                if name in self._around:
                    set_weight(model.get_parameter(name), generator, self._around[name])
                changes["state"][name] = _change(before, _numbers(model, inputs))
        return changes, ()

    def _placed(self, values: list[Any]) -> list[Any]:
        return [self._device.placed(one) if isinstance(one, torch.Tensor) else one for one in values]

    def _work(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """What a call with these inputs does, and how fast this machine is."""
        _, given = self._arguments(head, tensors, "contiguous")
        return _guarded(lambda: machine.work(copied(self._model), given, self._device)), ()

    def _arguments(self, head: Json, tensors: Sequence[Tensor], layout: str) -> tuple[list[torch.Tensor], Any]:
        return calling.arguments(head["inputs"], tensors, layout, self._device)


def _within(operation: Operation) -> Operation:
    """Whatever goes wrong here is the task's fault, and is said rather than ended by. So is an answer that the broker
    would not take: it is not sent."""

    def limited(head: Json, tensors: Sequence[Tensor]) -> Answer:
        try:
            answer, parts = operation(head, tensors)
            size, most = sum(one.spec.bytes for one in parts), head["most"]
            if size > most:
                raise Trouble("task", f"one answer has {size >> 20} MiB of tensors, at most {most >> 20} MiB are held")
            head_bytes(answer, parts)
        except (Exception, SystemExit) as error:
            raise error if isinstance(error, Trouble) else Trouble("task", *told(error, _FILE)) from None
        return answer, parts

    return limited


def _in_brain_floats(value: Any) -> Any:
    """An output whose numbers are rounded to bfloat16, in the dtypes it had."""
    if isinstance(value, torch.Tensor):
        return value.bfloat16().to(value.dtype) if value.is_floating_point() else value
    if isinstance(value, dict):
        return {key: _in_brain_floats(one) for key, one in value.items()}
    return type(value)(map(_in_brain_floats, value)) if type(value) in (list, tuple) else value


def _state_of(model: torch.nn.Module) -> tuple[Json, list[Tensor]]:
    state = model.state_dict()
    odd = [name for name, value in state.items() if str(value.dtype).removeprefix("torch.") not in DTYPES]
    if odd:
        raise Trouble("task", f"the state {odd[0]} has the dtype {state[odd[0]].dtype}, which is not handled")
    return {"names": list(state)}, [to_wire(value) for value in state.values()]


def _shapes(tensors: Sequence[Tensor]) -> list[tuple[int, ...]]:
    return [one.spec.shape for one in tensors]


def _mover(generator: torch.Generator) -> Moved:
    return lambda value: torch.rand(value.shape, generator=generator, dtype=torch.float64) - 0.5


def _widened(value: torch.Tensor, moved: Moved | None) -> torch.Tensor:
    """An input in double precision, where it has any; perhaps in the same memory."""
    if not (value.is_floating_point() or value.is_complex()):
        return value
    wide = value.to(torch.complex128 if value.is_complex() else torch.float64)
    if moved is not None:
        _move(wide, value.dtype, moved)
    return wide


def _move(wide: torch.Tensor, dtype: torch.dtype, moved: Moved) -> None:
    """Rounds the elements of a tensor otherwise, which holds in double precision what had this dtype."""
    for part in pieces(wide):
        part.mul_(1 + torch.finfo(dtype).eps * moved(part).to(part.device))


def _storages(value: Any) -> set[int]:
    """Where the memory of a value's tensors begins."""
    if isinstance(value, torch.Tensor):
        return {begin(value)} if value.numel() else set()
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(_storages, value)) if isinstance(value, list | tuple) else set()


def _copied(values: list[Any]) -> list[Any]:
    return [value.clone() if isinstance(value, torch.Tensor) else value for value in values]


def _numbers(model: torch.nn.Module, inputs: list[Any]) -> torch.Tensor:
    """Those of the output of a call, as `_flat` has them."""
    return _flat(_guarded(lambda: model(*_copied(inputs))))


def _flat(value: Any) -> torch.Tensor:
    """All numbers of an output in double precision, one after the other."""
    if isinstance(value, torch.Tensor):
        plain = value.detach()
        return (torch.view_as_real(plain) if plain.is_complex() else plain).double().reshape(-1)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return torch.cat([_flat(one) for one in value]) if value else torch.zeros(0, dtype=torch.float64)
    return (
        torch.tensor([float(value)], dtype=torch.float64) if isinstance(value, int | float) else torch.zeros(0).double()
    )


def _change(before: torch.Tensor, after: torch.Tensor) -> float:
    """How far apart two outputs are, relative to the first; -1 where they cannot be compared."""
    if before.shape != after.shape:
        return -1.0
    kept = before.isfinite() & after.isfinite()
    before, after = before[kept], after[kept]
    size = float(before.norm())
    found = float((after - before).norm())
    return found / size if size > 0 else (0.0 if found == 0 else 1e9)


def _guarded(call: Any) -> Any:
    try:
        return call()
    except (Exception, SystemExit) as error:
        raise Trouble("task", *told(error, _FILE)) from None


def main() -> None:
    """Serves the broker until it hangs up."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    device = of_arguments()
    converse(Reference(device).operations(), device.uuid)
