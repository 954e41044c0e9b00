"""Reference and candidate side by side: the questions that stages put to both, and whose fault it is when one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kernels import seeds
from kernels.candidate import Candidate
from kernels.cells import Cell
from kernels.forms import Output, read
from kernels.hosting import MOST_BYTES, Ended, Place, Troubled, Worker
from kernels.judging import LOOKS, Judgement, judge
from kernels.messages import MOST_TENSORS, Json, ProtocolError, Tensor
from kernels.task import Task
from kernels.tensors import TensorSpec
from kernels.verdicts import Stage, Verdict, Wrong

CALL_S = 60.0
LOAD_S = 180.0
Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a candidate may take: to be loaded, and for one call, in seconds."""

    load_s: float = LOAD_S
    call_s: float = CALL_S


class Judged(Exception):
    """A verification has come to its end: what is said, at which stage and why. `line`: of the candidate's source."""

    def __init__(
        self, verdict: Verdict, stage: Stage, reason: str, *, wrong: Wrong | None = None, line: int | None = None
    ) -> None:
        super().__init__(reason)
        self.verdict, self.stage, self.reason, self.wrong, self.line = verdict, stage, reason, wrong, line


@dataclass(frozen=True, slots=True)
class Inputs:
    """Arguments of a call: their form, and their tensors in order."""

    form: Json
    tensors: Sequence[Tensor]


@dataclass(frozen=True, slots=True)
class State:
    """A model's weights and buffers by name."""

    names: Sequence[str] = ()
    tensors: Sequence[Tensor] = ()

    def __post_init__(self) -> None:
        """ProtocolError where the names are not those of the tensors."""
        if not isinstance(self.names, list | tuple) or not all(isinstance(one, str) for one in self.names):
            raise ProtocolError("its state has no names")
        if len(set(self.names)) != len(self.tensors) or len(self.names) != len(self.tensors):
            raise ProtocolError("its state has other names than tensors")

    def by_name(self) -> dict[str, Tensor]:
        return dict(zip(self.names, self.tensors, strict=True))


@dataclass(frozen=True, slots=True)
class Expected:
    """What is right for some inputs. `precise`: whether `exact` really is of double precision. `aliases`: the
    reference's output shares memory with its inputs; `of_state`: with its weights."""

    native: Output
    exact: Sequence[Tensor]
    precise: bool
    aliases: bool
    of_state: bool
    state: State = State()
    inputs_after: Sequence[Tensor] = ()


@dataclass(frozen=True, slots=True)
class Called:
    """What the reference answered as the task means it, and in how many seconds."""

    output: Output
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a candidate answered. `told`: what else, as its process says it."""

    output: Output
    state: State = State()
    inputs_after: Sequence[Tensor] = ()
    told: Json = field(default_factory=dict)


@dataclass(slots=True)
class ReferenceSide:
    """The reference worker, asked. What fails here is the task's fault or the machine's.

    `most_bytes`: of tensors in one answer; `call_s`: what one answer may take that is no loading.
    """

    worker: Worker
    task: Task
    secret: bytes = field(default_factory=seeds.new_secret)
    most_bytes: int = MOST_BYTES
    call_s: float = CALL_S
    largest: int = 0
    """Bytes of tensors in the longest answer so far: how large those of a candidate may be is measured by it."""

    def load(self) -> Inputs:
        """What the model's constructor is given."""
        head, tensors = self._ask("load", {"train": self.task.train}, [blob(self.task.source)], LOAD_S)
        return Inputs(head["init"], tensors)

    def draw(self, cell: Cell, *where: str | int) -> Inputs:
        head, tensors = self._ask("inputs", {**_facts(cell), "seed": self._seed("inputs", cell.number, *where)})
        return Inputs(head["inputs"], tensors)

    def draw_state(self, *where: str | int) -> State:
        head, tensors = self._ask("state", {"seed": self._seed("state", *where)})
        return State(head["names"], tensors)

    def change_state(self, *where: str | int) -> None:
        """As `draw_state`, and the weights stay where they are."""
        self._ask("state", {"seed": self._seed("state", *where), "quiet": True})

    def expect(self, inputs: Inputs, layout: str = "contiguous", **more: Any) -> Expected:
        head, tensors = self._ask("expect", {"inputs": inputs.form, "layout": layout, **more}, inputs.tensors)
        names = head.get("state", [])
        count, state = head["count"], len(names)
        native, exact, rest = tensors[:count], tensors[count : 2 * count], tensors[2 * count :]
        facts = head["exact"], head["aliases"], head["of_state"]
        with _the_tasks():
            return Expected(read(head["output"], native), exact, *facts, State(names, rest[:state]), rest[state:])

    def judge(
        self, inputs: Inputs, found: Output, layout: str = "contiguous", **more: Any
    ) -> tuple[Expected, Judgement]:
        """What is right for the inputs, and what an output is beside it.

        What seems wrong in its numbers is looked at again: at an element where the task itself amplifies rounding (the
        zero of a steep tanh), the reference may have been lucky where the candidate was not, and of two equal numbers
        it may have taken the other one.
        """
        expected = self.expect(inputs, layout, **more)
        result = judge(expected.native, expected.exact, found, self.task.tolerance)
        if result.wrong is Wrong.numerical and expected.precise:
            head, tensors = self._ask(
                "nearby",
                {"inputs": inputs.form, "layout": layout, "times": self.looks(expected.exact), **more},
                inputs.tensors,
            )
            count = head["count"]
            if count == len(expected.exact):
                nearby = [tensors[at : at + count] for at in range(0, len(tensors), max(1, count))]
                result = judge(expected.native, expected.exact, found, self.task.tolerance, nearby)
        return expected, result

    def looks(self, exact: Sequence[Tensor]) -> int:
        """How many answers like this one a message may have, up to `LOOKS`."""
        size = sum(one.spec.bytes for one in exact)
        return min(LOOKS, max(1, self.most_bytes // max(1, size)), MOST_TENSORS // max(1, len(exact)))

    def call(self, inputs: Inputs, **how: Any) -> Called | None:
        """One call, as `Reference._call` has it; None where there is no such model."""
        head, tensors = self._ask("call", {"inputs": inputs.form, **how}, inputs.tensors)
        if "refused" in head:
            return None
        with _the_tasks():
            return Called(read(head["output"], tensors), float(head["seconds"]))

    def scalars(self) -> list[tuple[str, float | bool]]:
        """The constructor's parameters that are no sizes, with their values."""
        return [(str(name), value) for name, value in self._ask("scalars", {})[0]["scalars"]]

    def sensitivity(self, cell: Cell) -> Json:
        seed, other = self._seed("sensitivity", cell.number), self._seed("sensitivity", cell.number, "other")
        head = {**_facts(cell), "seed": seed, "other": other}
        return self._ask("sensitivity", head, (), max(LOAD_S, self.call_s))[0]

    def gradients(
        self, inputs: Inputs, layout: str, which: Sequence[int], upstream: Sequence[Tensor], times: int = 0
    ) -> tuple[Json, Sequence[Tensor]]:
        """What `kernels.gradients` reads: of the call with `inputs`, when `upstream` flows into the outputs `which`."""
        head = {"inputs": inputs.form, "layout": layout, "which": list(which), "times": times}
        return self._ask("gradients", head, [*inputs.tensors, *upstream])

    def work(self, inputs: Inputs) -> Json:
        """What `kernels.worker.machine` says of a call."""
        return self._ask("work", {"inputs": inputs.form}, inputs.tensors)[0]

    def _seed(self, *where: str | int) -> int:
        return seeds.seed(self.secret, *where)

    def _ask(
        self, do: str, head: Json, tensors: Sequence[Tensor] = (), timeout: float | None = None
    ) -> tuple[Json, Sequence[Tensor]]:
        most = self.most_bytes
        try:
            found = self.worker.ask(
                do, {**head, "most": most}, tensors, timeout=timeout or self.call_s, most_bytes=most
            )
            self.largest = max(self.largest, sum(one.spec.bytes for one in found[1]))
            return found
        except Troubled as trouble:
            at = f" (line {trouble.line})" if trouble.line else ""
            raise Judged(Verdict.invalid_task, Stage.parse, f"the reference fails: {trouble.text}{at}") from None
        except Ended as end:
            verdict = Verdict.infra_error if end.why == "exit" else Verdict.invalid_task
            raise Judged(verdict, Stage.parse, end.text) from None
        except ProtocolError as error:
            raise Judged(Verdict.infra_error, Stage.parse, f"the reference worker: {error}") from None


@contextmanager
def _the_tasks() -> Iterator[None]:
    """An output that is none of those that can be held against others."""
    try:
        yield
    except ProtocolError as error:
        raise Judged(Verdict.invalid_task, Stage.parse, f"the reference's output: {error}") from None


@dataclass(slots=True)
class CandidateSide:
    """The candidate worker, asked. What fails here is the candidate's fault, at the stage it is in.

    `most_bytes`: of tensors in one answer, all of which the broker must hold; asked anew for each, since what is right
    is known to be larger once larger weights were drawn. `artefacts`: what was built for it.
    """

    worker: Worker
    candidate: Candidate
    stage: Stage = Stage.load
    patience: Patience = Patience()
    most_bytes: Callable[[], int] = lambda: MOST_BYTES
    artefacts: Sequence[tuple[str, str, bytes]] = ()

    def load(self, init: Inputs, *, train: bool) -> None:
        self.stage = Stage.load
        with self._blamed():
            if self.artefacts:
                named = [[key, name] for key, name, _ in self.artefacts]
                self._ask("extend", {"built": named}, [blob(data) for _, _, data in self.artefacts])
            tensors = [blob(self.candidate.source), *init.tensors]
            self._ask("load", {"init": init.form, "train": train}, tensors, self.patience.load_s)

    def set_state(self, state: State, how: str) -> None:
        with self._blamed():
            self._ask("state", {"names": list(state.names), "how": how}, state.tensors)

    def call(self, inputs: Inputs, layout: str = "contiguous", **more: Any) -> Found:
        with self._blamed():
            head, tensors = self._ask("call", {"inputs": inputs.form, "layout": layout, **more}, inputs.tensors)
            if more.get("hold"):
                return Found(read({"k": "plain", "v": None}, ()))
            count = _whole(head.get("count"), len(tensors))
            after = len(inputs.tensors) if more.get("inputs_after") else 0
            rest = tensors[count:]
            state = State(head.get("state", []), rest[after:])
            return Found(read(head.get("output"), tensors[:count]), state, rest[:after], head)

    def asked(
        self, do: str, head: Json, tensors: Sequence[Tensor], read: Callable[[Json, Sequence[Tensor]], Answered]
    ) -> Answered:
        """What `read` makes of the answer; a ProtocolError of its is the candidate's fault."""
        with self._blamed():
            return read(*self._ask(do, head, tensors))

    def held(self) -> list[Output]:
        with self._blamed():
            return self._outputs("held", {})

    def fill(self, inputs: Inputs, *, first: bool, places: int) -> None:
        with self._blamed():
            self._ask("fill", {"inputs": inputs.form, "first": first, "places": places}, inputs.tensors)

    def take_mask(self, mask: Tensor) -> None:
        """What inputs of timed calls are mixed by (`kernels.mixing`)."""
        with self._blamed():
            self._ask("mask", {}, [mask])

    def time(self, plan: Sequence[Sequence[int]], timeout: float) -> list[float]:
        """Seconds of each call, as it says."""
        with self._blamed():
            told = self._ask("time", {"plan": list(plan)}, (), timeout)[0].get("seconds")
            if not isinstance(told, list) or len(told) != len(plan):
                raise ProtocolError("it does not tell the time of each call")
            if not all(isinstance(one, float) and 0 < one < 1e6 for one in told):
                raise ProtocolError("a time is no positive number of seconds")
            return told

    def outputs(self, which: Sequence[int]) -> list[Output]:
        with self._blamed():
            return self._outputs("outputs", {"which": list(which)})

    def probe(self) -> Json:
        with self._blamed():
            return self._ask("probe", {})[0]

    def _outputs(self, do: str, head: Json) -> list[Output]:
        found, tensors = self._ask(do, head)
        forms, counts = found.get("outputs"), found.get("counts")
        if not isinstance(forms, list) or not isinstance(counts, list) or len(forms) != len(counts):
            raise ProtocolError("outputs without their forms")
        outputs = []
        for form, count in zip(forms, counts, strict=True):
            part = tensors[: _whole(count, len(tensors))]
            outputs.append(read(form, part))
            tensors = tensors[len(part) :]
        return outputs

    def _ask(
        self, do: str, head: Json, tensors: Sequence[Tensor] = (), timeout: float | None = None
    ) -> tuple[Json, Sequence[Tensor]]:
        return self.worker.ask(do, head, tensors, timeout=timeout or self.patience.call_s, most_bytes=self.most_bytes())

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        try:
            yield
        except Troubled as trouble:
            verdict = _TROUBLES.get(trouble.what, Verdict.protocol_error)
            wrong = Wrong.out_of_bounds if trouble.what == "out_of_bounds" else None
            raise Judged(verdict, self.stage, trouble.text, wrong=wrong, line=trouble.line) from None
        except Ended as end:
            verdict = {"timeout": Verdict.timeout, "oom": Verdict.oom}.get(end.why) or (
                Verdict.load_error if self.stage is Stage.load else Verdict.launch_error
            )
            raise Judged(verdict, self.stage, end.text) from None
        except ProtocolError as error:
            raise Judged(Verdict.protocol_error, self.stage, f"the candidate's process: {error}") from None


_TROUBLES = {
    "parse": Verdict.parse_error,
    "load": Verdict.load_error,
    "launch": Verdict.launch_error,
    "oom": Verdict.oom,
    "gpu": Verdict.needs_gpu,
    "compile": Verdict.compile_error,
    "out_of_bounds": Verdict.incorrect,
}


def blob(data: bytes) -> Tensor:
    """Bytes that are no tensor, such as a program's text."""
    return Tensor(TensorSpec("uint8", (len(data),)), data)


def start(place: Place, task: Task) -> ReferenceSide:
    """A reference worker. Judged, SandboxError."""
    try:
        return ReferenceSide(Worker(place, "reference"), task)
    except Ended as end:
        raise Judged(Verdict.infra_error, Stage.parse, f"the reference worker does not start: {end.text}") from None


def start_candidate(place: Place) -> Worker:
    """A candidate worker into which nothing of a candidate has come yet. Judged, SandboxError."""
    try:
        return Worker(place, "candidate")
    except Ended as end:
        raise Judged(Verdict.infra_error, Stage.load, f"the candidate worker does not start: {end.text}") from None


def _facts(cell: Cell) -> Json:
    shapes = None if cell.shapes is None else [list(one) for one in cell.shapes]
    return {"distribution": cell.distribution, "shapes": shapes}


def _whole(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ProtocolError("it says another number of tensors than it sends")
    return value
