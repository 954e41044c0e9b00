"""The candidate worker: our loader around code that may do anything, in a box of its own.

It never has a seed, an expected value or the reference's code. What it reports of the process it is in (`_probe`) is a
hint: such a hint may convict when it shows something, and clears nobody when it shows nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from kernels.messages import Json, Tensor
from kernels.recipes import Recipe, to_json
from kernels.tensors import TensorSpec
from kernels.worker import bands, calling, census, gradients
from kernels.worker.conversation import Answer, Operation, Trouble, converse, told
from kernels.worker.crossing import Form, pack, to_torch, to_wire, unpack
from kernels.worker.device import Device, of_arguments
from kernels.worker.extensions import Extensions, Mode
from kernels.worker.program import FILE, load
from kernels.worker.watching import Watch


class Candidate:
    """One candidate's model and what it is asked."""

    def __init__(self, watch: Watch, device: Device) -> None:
        self._watch, self._device = watch, device
        self._model = torch.nn.Module()
        self._pool = calling.Pool(device)
        self._kept = calling.Kept()
        self._last: list[torch.Tensor] = []
        self._held: list[Any] = []
        self._timed: list[Any] = []
        self._extensions = Extensions(FILE, device.name)
        self._extensions.install()
        self._graph = gradients.Graph()

    def operations(self) -> Mapping[str, Operation]:
        names = (
            "record",
            "extend",
            "load",
            "state",
            "call",
            "forward",
            "backward",
            "ablate",
            "fill",
            "mask",
            "time",
            "outputs",
            "probe",
        )
        return {"held": self._give_held, "idle": self._idle, **{name: getattr(self, f"_{name}") for name in names}}

    def _record(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """What the candidate would have built until its model is there. Not for a process that is to compute: what it
        raises on the way is told when it is loaded with its extensions."""
        recipes: list[Recipe] = []
        self._extensions.recorded = recipes
        with contextlib.suppress(Trouble, Exception, SystemExit):
            module = load(bytes(tensors[0].data), "candidate")
            module.ModelNew(*unpack(head["init"], [to_torch(one) for one in tensors[1:]]))
        data = to_json(recipes)
        return {}, [Tensor(TensorSpec("uint8", (len(data),)), data)]

    def _extend(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """Takes what was built for the candidate."""
        for (key, name), one in zip(head["built"], tensors, strict=True):
            self._extensions.take(key, name, one.data)
        return {}, ()

    def _load(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """Executes the candidate and constructs its model."""
        module = load(bytes(tensors[0].data), "candidate")
        made = getattr(module, "ModelNew", None)
        if not callable(made):
            raise Trouble("load", "the candidate defines no ModelNew")
        init = unpack(head["init"], [self._device.placed(to_torch(one)) for one in tensors[1:]])
        with self._guarded("load"):
            self._model = made(*init)
            if self._device.beside:
                self._model.to(self._device.name)
            self._model.train(head["train"])
        self._watch.loaded()
        return {}, ()

    def _state(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """Gives the model its weights: `load` by load_state_dict, `in_place` by writing into what it has."""
        state = {name: to_torch(one) for name, one in zip(head["names"], tensors, strict=True)}
        with self._guarded("load"), torch.no_grad():
            if head["how"] == "load":
                self._model.load_state_dict(state, strict=True)
            else:
                own = self._model.state_dict()
                for name, value in state.items():
                    own[name].copy_(value)
        return {}, ()

    def _call(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """One call. `refill`: with the tensors of the call before, which are given the new contents. `hold`: the output
        is kept for `held`. `scribble`: the inputs are overwritten before the output is read, which shows in an output
        that shares their memory; `scribble_state` the same with the weights. `inputs_after`, `state_after`: also what
        the call made of both. `train`: in that mode, which stays. `look`: in what way the call is looked at."""
        if head.get("refill") and [one.shape for one in self._last] == [torch.Size(one.spec.shape) for one in tensors]:
            for target, source in zip(self._last, tensors, strict=True):
                target.copy_(to_torch(source))
            made, given = self._last, unpack(head["inputs"], self._last)
        else:
            layout = head.get("layout", "contiguous")
            made, given = calling.arguments(head["inputs"], tensors, layout, self._device)
        self._last = made
        with self._guarded("launch"), torch.no_grad():
            if "train" in head:
                self._model.train(head["train"])
            looked = self._looked(head, made) if "look" in head else None
            found, answer = looked or (self._model(*given), {})
        parts: list[Tensor] = []
        if head.get("inputs_after"):
            parts += [to_wire(one) for one in made]
        if head.get("scribble"):
            for one in made:
                one.copy_(torch.ones_like(one) if one.is_floating_point() else torch.zeros_like(one))
        if head.get("scribble_state"):
            for one in self._model.state_dict().values():
                one.fill_(1)
        if head.get("hold"):
            self._held.append(found)
            return answer, parts
        form, packed = self._packed(found)
        answer |= {"output": form, "count": len(packed)}
        if head.get("state_after"):
            state = self._model.state_dict()
            answer["state"] = list(state)
            parts += [to_wire(one) for one in state.values()]
        return answer, [*packed, *parts]

    def _looked(self, head: Json, made: list[torch.Tensor]) -> tuple[Any, Json] | None:
        """A call that is looked at, and what was seen. None where it cannot be made so: that is no fault of the
        candidate's, which is then called as always."""
        given = [one.clone() for one in made]
        try:
            if head["look"] == "census":
                arguments = unpack(head["inputs"], given)
                return census.counted(lambda: self._model(*arguments), FILE)
            return bands.guarded(self._model, given, lambda placed: unpack(head["inputs"], placed), self._device.name)
        except Exception:
            return None

    def _give_held(self, head: Json, _: Sequence[Tensor]) -> Answer:
        """The outputs that were held, as they are by now."""
        held, self._held = self._held, []
        return calling.answer_outputs(held, list(range(len(held))), self._device.name)

    def _forward(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """One call whose gradients `backward` asks for: what flows into them is not known before."""
        made, _ = calling.arguments(head["inputs"], tensors, head["layout"], self._device)
        with self._guarded("launch"):
            self._graph = gradients.forward(self._model, head["inputs"], made)
            form, packed = self._packed(self._graph.output)
        return {"output": form, "count": len(packed)}, packed

    def _backward(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        graph, self._graph = self._graph, gradients.Graph()
        with self._guarded("launch"):
            return gradients.backward(graph, self._model, head["which"], tensors, self._device)

    def _ablate(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """One call with all of the candidate's own compiled functions, and on a device its Triton kernels, in another
        mode: whether it answered, what, and how often they were called. What is kept from it may be spoilt: this is for
        a process that is then ended."""
        _, given = calling.arguments(head["inputs"], tensors, "contiguous", self._device)
        extensions = self._extensions
        for one in extensions.loaded:
            one.calls.clear()
            one.filled = 0
        answer: Json = {"raised": None, "output": {"k": "plain", "v": None}, "count": 0}
        packed: list[Tensor] = []
        try:
            with torch.no_grad(), extensions.mode(Mode[head["mode"]]):
                found = self._model(*given)
            answer["output"], packed = self._packed(found)
            answer["count"] = len(packed)
        except Exception as error:
            answer["raised"] = told(error, FILE)[0][:500]
        loaded = extensions.loaded
        answer["called"] = sum(sum(one.calls.values()) for one in loaded)
        answer["filled"] = sum(one.filled for one in loaded)
        answer["whole"] = extensions.whole
        answer["calls"] = [
            [one.name[:100], name[:100], one.calls.get(name, 0)] for one in loaded for name in one.functions
        ]
        return answer, packed

    def _fill(self, head: Json, tensors: Sequence[Tensor]) -> Answer:
        """Takes one more input for timing; `places` after the last."""
        self._pool.add(head["inputs"], tensors, first=head["first"])
        if head.get("places"):
            self._pool.make_places(head["places"])
        return {}, ()

    def _mask(self, _: Json, tensors: Sequence[Tensor]) -> Answer:
        """Takes what the inputs of timed calls are mixed by."""
        self._pool.take_mask(tensors[0])
        return {}, ()

    def _time(self, head: Json, _: Sequence[Tensor]) -> Answer:
        with self._guarded("launch"):
            seconds, self._timed = calling.timed(self._model, self._pool, self._kept, head["plan"])
        return {"seconds": seconds}, ()

    def _idle(self, head: Json, _: Sequence[Tensor]) -> Answer:
        """Asked of a baseline, which is a worker like this one."""
        calling.idle(self._pool, self._kept, head["plan"])
        return {}, ()

    def _outputs(self, head: Json, _: Sequence[Tensor]) -> Answer:
        """Outputs of the last timed run, which were all kept."""
        return calling.answer_outputs(self._timed, head["which"], self._device.name)

    def _probe(self, head: Json, _: Sequence[Tensor]) -> Answer:
        return self._watch.seen(), ()

    def _packed(self, value: Any) -> tuple[Form, list[Tensor]]:
        return pack(value, self._device.name)

    @contextlib.contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        """What fails on a device is told when that is waited for: before, nothing has gone well."""
        try:
            yield
            self._device.wait()
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise Trouble("oom", *told(error, FILE)) from None
        except Exception as error:
            raise Trouble(what, *told(error, FILE)) from None
        except SystemExit as error:
            raise Trouble(what, f"it called sys.exit({error.code!r})"[:200]) from None


def main() -> None:
    """Serves the broker until it hangs up."""
    torch.set_num_threads(1)
    # Memory that nothing was written to holds NaN then, so that a partial output cannot pass by luck.
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    device = of_arguments()
    census.warm()
    converse(Candidate(Watch(FILE, device), device).operations(), device.uuid)
    os._exit(0)  # nothing of the candidate's that waits for the end gets a turn
