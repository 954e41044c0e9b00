"""The stage `compile`: what a candidate would build with torch.utils.cpp_extension is built apart from it.

A worker is asked what the candidate builds, and is then gone. The recipes, which are hostile text, are held against
`kernels.flags` here and compiled in another box, in which nothing of the candidate's is executed; what comes out goes
into the candidate's own workers as bytes, and the broker never loads it. An artefact's key is computed here from all
that the compiler was given, so what one candidate had built is another's only where it is the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kernels import flags
from kernels.artefacts import Artefacts
from kernels.bench import Inputs, Judged, Patience, blob
from kernels.candidate import Candidate
from kernels.cpp_text import code_alone
from kernels.findings import Finding, Tier
from kernels.hosting import Ended, Place, Troubled, Worker
from kernels.messages import Json, ProtocolError, Tensor
from kernels.recipes import MOST_TEXT, Recipe, from_json, to_json
from kernels.verdicts import Stage, Verdict

COMPILE_S = 300.0
MOST_ARTEFACT = 64 << 20
_NAMED = (b"cpp_extension", b"load_inline")
_BOUND = re.compile(r"\bm\s*\.\s*def\s*\(\s*\"([A-Za-z_][A-Za-z0-9_]{0,60})\"")
_DEFINES = re.compile(r"#\s*define\b")
_UNUSUAL = re.compile(
    r"\b(system|popen|fork|execve?|execvp|dlopen|dlsym|ptrace|mprotect|pthread_create|std::thread|std::async|asm|__asm__"
    r"|m_ml|ml_meth)\b"
)
_WHERE = re.compile(r"^([\w.+-]+)(?::(\d+):(?:\d+:)?|\((\d+)\):) ?(?:fatal |catastrophic )?error: ")
_ERROR = re.compile(r"\b(?:error|fatal) *:")
_ARCH = re.compile(r"sm_[0-9]{2,3}[af]?")


@dataclass(frozen=True, slots=True)
class Extension:
    """One that was built. `functions`: those its source binds, as its text says. `seconds` in the compiler, of this
    verification; `digest` and `size` of the artefact. `line`: of the candidate, where it is asked for."""

    name: str
    functions: Sequence[str]
    cflags: Sequence[str]
    line: int | None
    digest: str
    size: int
    seconds: float
    cached: bool


@dataclass(slots=True)
class Compiled:
    """What the stage came to. `artefacts`: for the candidate's workers, as key, name and bytes. `errors`: what the
    compiler said first, with the candidate's lines where they are known."""

    extensions: list[Extension] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    compiler: str = ""
    seconds: float = 0.0
    artefacts: list[tuple[str, str, bytes]] = field(default_factory=list)

    @property
    def cached(self) -> bool:
        return bool(self.extensions) and all(one.cached for one in self.extensions)


def builds(candidate: Candidate) -> bool:
    """Whether it says that it builds extensions. One that hides it is told that nothing was built for it."""
    return any(name in candidate.source for name in _NAMED)


class CompileService:
    """Compiles candidates' extensions at a place, and keeps what it built where the place has a folder for it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._kept = Artefacts(place.artefacts) if place.artefacts else None
        self._toolchain: Json | None = None
        self._for_devices: dict[str, Json] = {}

    def compile(
        self,
        candidate: Candidate,
        init: Inputs,
        taken: Callable[[], Worker],
        into: Compiled,
        findings: list[Finding],
        patience: Patience,
        arch: str | None = None,
    ) -> None:
        """Fills `into`. `taken`: a candidate worker to be used up. `arch`: of the device that candidates run on, such
        as sm_90; None where they run on the CPU. Judged, SandboxError."""
        if arch is not None and not _ARCH.fullmatch(arch):
            raise Judged(Verdict.infra_error, Stage.compile, f"the device says that it is {arch[:50]!r}")
        began = time.monotonic()
        try:
            self.build(candidate, self._recipes(candidate, init, taken, patience, arch), into, findings, arch)
        finally:
            into.seconds = time.monotonic() - began

    def build(
        self,
        candidate: Candidate,
        recipes: Sequence[Recipe],
        into: Compiled,
        findings: list[Finding],
        arch: str | None = None,
    ) -> None:
        """The same for recipes that are known."""
        for recipe in recipes:
            findings += [one for one in _findings(recipe) if one not in findings]
            if odd := flags.refused(recipe):
                reason = f"{odd} of the extension {recipe.name} is none that a candidate may ask for"
                raise Judged(Verdict.policy_violation, Stage.compile, reason, line=recipe.line)
            if recipe.cuda and arch is None:
                reason = f"the extension {recipe.name} is for a GPU, and there is none where kernels run"
                raise Judged(Verdict.needs_gpu, Stage.compile, reason, line=recipe.line)
        with ExitStack() as boxes:
            for recipe in recipes:
                self._build(candidate, recipe, into, boxes, arch if recipe.cuda else None)

    def _recipes(
        self, candidate: Candidate, init: Inputs, taken: Callable[[], Worker], patience: Patience, arch: str | None
    ) -> Sequence[Recipe]:
        given = hashlib.sha256(json.dumps(init.form, sort_keys=True).encode())
        for one in init.tensors:
            given.update(one.data)
        # Made by a box in which the candidate ran: the key names the candidate, whose own it stays.
        key = _digest("recipes", _version(), candidate.digest, given.hexdigest(), arch)
        if self._kept and (known := self._kept.read(key)) is not None:
            return from_json(known)
        with taken() as worker:
            try:
                _, found = worker.ask(
                    "record",
                    {"init": init.form},
                    [blob(candidate.source), *init.tensors],
                    timeout=patience.load_s,
                    most_bytes=2 * MOST_TEXT * 8,
                )
                recipes = from_json(bytes(found[0].data)) if len(found) == 1 else []
            except (Ended, Troubled) as end:
                if isinstance(end, Ended) and end.why == "timeout":
                    raise Judged(Verdict.timeout, Stage.compile, end.text) from None
                return []  # it is told why when it is loaded
            except (ProtocolError, ValueError) as error:
                reason = f"the candidate's process: {error}"
                raise Judged(Verdict.protocol_error, Stage.compile, reason) from None
        if self._kept and recipes:
            self._kept.write(key, to_json(recipes))
        return recipes

    def _build(self, candidate: Candidate, recipe: Recipe, into: Compiled, boxes: ExitStack, arch: str | None) -> None:
        worker: Worker | None = None
        toolchain = self._toolchain if arch is None else self._for_devices.get(arch)
        if toolchain is None:
            worker = self._worker(boxes)
            toolchain = _asked(worker, "toolchain", {"arch": arch}, (), 240.0)[0]
            if arch is None:
                self._toolchain = toolchain
            else:
                self._for_devices[arch] = toolchain
        if missing := toolchain.get("missing"):
            raise Judged(Verdict.infra_error, Stage.compile, _what_to_do(str(missing), arch))
        into.compiler = ", ".join(str(toolchain[name]) for name in ("compiler", "nvcc") if name in toolchain)
        key = _digest("artefact", _version(), recipe.key, json.dumps(toolchain, sort_keys=True), arch)
        data = self._kept.read(key) if self._kept else None
        cached, seconds = data is not None, 0.0
        if data is None:
            data, seconds = self._compiled(candidate, recipe, into, worker or self._worker(boxes), arch)
            if self._kept:
                self._kept.write(key, data)
        into.artefacts.append((recipe.key, recipe.name, data))
        digest, size = hashlib.sha256(data).hexdigest(), len(data)
        bound = recipe.functions or tuple(dict.fromkeys(_BOUND.findall("\n".join(recipe.files.values()))))
        given = (*recipe.cflags, *recipe.cuda_cflags)
        into.extensions.append(Extension(recipe.name, bound, given, recipe.line, digest, size, seconds, cached))

    def _compiled(
        self, candidate: Candidate, recipe: Recipe, into: Compiled, worker: Worker, arch: str | None
    ) -> tuple[bytes, float]:
        head = {
            "name": recipe.name,
            "files": list(recipe.files),
            "units": recipe.units,
            "cuda_units": recipe.cuda_units,
            "arch": arch,
            "cflags": recipe.cflags,
            "cuda_cflags": recipe.cuda_cflags,
            "ldflags": recipe.ldflags,
            "limit_s": COMPILE_S,
        }
        sources = [blob(text.encode("utf-8", "surrogatepass")) for text in recipe.files.values()]
        try:
            facts, made = _asked(worker, "build", head, sources, COMPILE_S + 30.0)
        except Ended as end:
            if end.why == "exit":
                raise Judged(Verdict.infra_error, Stage.compile, f"the compile service: {end.text}") from None
            verdict = Verdict.oom if end.why == "oom" else Verdict.timeout
            reason = f"the compiler of the extension {recipe.name}: {end.text}"
            raise Judged(verdict, Stage.compile, reason, line=recipe.line) from None
        if facts.get("late"):
            reason = f"the extension {recipe.name} was not compiled within {COMPILE_S:.0f} s"
            raise Judged(Verdict.timeout, Stage.compile, reason, line=recipe.line)
        if "errors" in facts:
            into.errors, line = located([str(one) for one in facts["errors"]], recipe, candidate.source)
            first = next((one for one in into.errors if _ERROR.search(one)), into.errors[0] if into.errors else "")
            reason = f"the extension {recipe.name} does not compile: {first}"
            raise Judged(Verdict.compile_error, Stage.compile, reason, line=line or recipe.line)
        if len(made) != 1 or made[0].spec.bytes > MOST_ARTEFACT:
            reason = f"the extension {recipe.name} is larger than {MOST_ARTEFACT >> 20} MiB"
            raise Judged(Verdict.compile_error, Stage.compile, reason, line=recipe.line)
        return bytes(made[0].data), float(facts["seconds"])

    def _worker(self, boxes: ExitStack) -> Worker:
        """A box for this candidate's extensions alone."""
        try:
            return boxes.enter_context(Worker(self._place, "compiling"))
        except Ended as end:
            raise Judged(
                Verdict.infra_error, Stage.compile, f"the compile service does not start: {end.text}"
            ) from None


def _what_to_do(missing: str, arch: str | None) -> str:
    if arch is None:
        return (
            f"the candidate builds a C++ extension and there is no compiler where kernels run: {missing}. Install g++ "
            "11 or later and Python's headers there (on Debian: g++ and python3-dev), or use an image that has them "
            "(FORGEHAND_KERNEL_IMAGE)"
        )
    return (
        f"the candidate builds a CUDA extension and it cannot be compiled for {arch} where kernels run: {missing}. Use "
        "an image with PyTorch for CUDA, g++ and the nvcc that goes with it (k8s/kernels/Dockerfile makes one; "
        "FORGEHAND_KERNEL_GPU_IMAGE)"
    )


def located(errors: Sequence[str], recipe: Recipe, source: bytes) -> tuple[list[str], int | None]:
    """Errors with the candidate's line before those whose line of C++ stands in the candidate exactly once, and the
    first such line."""
    lines = source.decode("utf-8", "replace").splitlines()
    told, first = [], None
    for error in errors:
        at = None
        if (found := _WHERE.match(error)) and found[1] in recipe.files:
            text = recipe.files[found[1]].splitlines()
            number = int(found[2] or found[3])
            wanted = text[number - 1].strip() if 0 < number <= len(text) else ""
            places = [place for place, line in enumerate(lines, 1) if wanted and wanted in line]
            at = places[0] if len(places) == 1 else None
        told.append(f"line {at}: {error}" if at else error)
        first = first or at
    return told, first


def _findings(recipe: Recipe) -> list[Finding]:
    """What a reader should know. Text and flags prove nothing: none of it decides."""
    found = [
        Finding("fast_math", Tier.telemetry, f"{recipe.name} is compiled with {flag}", recipe.line)
        for flag in (*flags.fast_math(recipe.cflags), *flags.fast_math_on_device(recipe.cuda_cflags))
    ]
    for flag in flags.libraries(recipe.ldflags):
        text = f"{recipe.name} is linked with {flag}: what it computes there is no operation of torch's that is counted"
        found.append(Finding("links_library", Tier.telemetry, text, recipe.line))
    # nvcc optimises device code unless it is told not to.
    if not recipe.cuda_units and not flags.optimised(recipe.cflags):
        text = f"{recipe.name} is compiled without optimisation: load_inline and load add no -O of their own"
        found.append(Finding("not_optimised", Tier.telemetry, text, recipe.line))
    text = code_alone("\n".join(recipe.files.values()))
    for name in sorted(set(_UNUSUAL.findall(text))):
        found.append(Finding("unusual_cpp", Tier.telemetry, f"{recipe.name} names {name}", recipe.line))
    if any("##" in line and _DEFINES.search(line) for line in text.splitlines()):
        found.append(Finding("pasted_tokens", Tier.telemetry, f"{recipe.name} pastes tokens together", recipe.line))
    return found


def _asked(
    worker: Worker, do: str, head: Json, tensors: Sequence[Tensor], timeout: float
) -> tuple[Json, Sequence[Tensor]]:
    try:
        return worker.ask(do, head, tensors, timeout=timeout, most_bytes=2 * MOST_ARTEFACT * 4)
    except (ProtocolError, Troubled) as error:
        raise Judged(Verdict.infra_error, Stage.compile, f"the compile service: {error}") from None


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()


@cache
def _version() -> str:
    """Of what decides how a recipe is made and built."""
    room = Path(__file__).parent
    parts = ["recipes.py", "worker/compiling.py", "worker/extensions.py", "worker/nvcc.py"]
    return hashlib.sha256(b"\0".join((room / part).read_bytes() for part in parts)).hexdigest()
