"""`forgehand kernel`: is this kernel right, real and faster?"""

import shlex
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli import kernel_devices, kernel_optimize
from cli.errors import CannotRun
from cli.kernel_device import DeviceOption, keeper_of
from cli.kernel_entry import read_entry
from cli.kernel_turn import turn_of_device, turn_of_timing
from cli.output import console, document, printable
from kernels import report
from kernels.bench import Judged
from kernels.broker import Broker, Report
from kernels.candidate import Candidate, read_candidate
from kernels.cases import Case, Outcome, for_a_device, qualification, read_cases, run, tally
from kernels.devices import Trusting
from kernels.task import Task, TaskError, read_task
from kernels.task_audit import TaskAudit
from kernels.verdicts import PASSED, Stage, Verdict
from kernels.without_gpu import WithoutGpu
from settings import load_settings
from workers.kernel_checks.exclusive import TimingLock, lock_folder
from workers.kernel_checks.verifying import has_gpu
from workers.kernel_place import make_place

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
TaskArgument = Annotated[Path, typer.Argument(help="A Python file in KernelBench's form, or a folder with task.toml.")]

app = typer.Typer(help="Verify kernels: right, real, faster?", no_args_is_help=True)
app.command("optimize")(kernel_optimize.command)
app.command("devices")(kernel_devices.command)


@app.command("audit-task")
def audit_task(task: TaskArgument, device: DeviceOption = "cpu", as_json: JsonOption = False) -> None:
    """Is the task worth grading? Answers that compute nothing must be wrong for it.

    Zeros, ones, a constant, noise, the output for other inputs, one row for all and an input passed through are held
    against the task as a candidate would be; and does the output depend on inputs and weights, and on nothing but
    those? What only a fixed tolerance of 1e-4 or 1e-2 would take is told as `degenerate`, and parameters whose absence
    no input shows as notes. The exit status is 0 when the task is sound, 1 when not.

    Example: forgehand kernel audit-task softmax.py"""
    found, settings = _task(task), load_settings()
    place = make_place(settings, device)
    try:
        with (
            keeper_of(settings, device, turn_of_device(console(as_json=True))) as keeper,
            Broker(place, keeper=keeper) as broker,
        ):
            audited = broker.audit(found)
    except Judged as end:
        raise CannotRun(f"The audit could not be made: {printable(end.reason)}") from None
    if as_json:
        document({"task": found.name, "hash": found.digest, "device": device, **report.of_audit(audited)})
    else:
        _show_audit(found, audited)
    raise typer.Exit(0 if audited.sound else 1)


@app.command()
def verify(
    task: TaskArgument,
    candidate: Annotated[Path, typer.Argument(help="A Python file with ModelNew, or a CUDA source (.cu).")],
    device: DeviceOption = "cpu",
    quick: Annotated[bool, typer.Option("--quick", help="24 cells of inputs instead of 72.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a candidate to the test: the task's audit, correctness, honesty, then speed.

    Reference and candidate run in a box each, the candidate never sees a seed or an expected value, and what is right
    is computed after it has answered. The baseline is the reference on one thread: in eager mode or through
    torch.compile, whichever is faster; with --quick in eager mode. A candidate that needs a GPU, a CUDA file (.cu)
    among them, is checked as far as that goes without one: Triton under its interpreter and by its compiler, CUDA by
    nvcc; it ends as needs_gpu, with what was not checked. The exit status is 0 for faster, equal, slower and ambiguous
    (it computes what it should, and the verdict says how fast), 1 for every other verdict on the candidate or the
    task, needs_gpu among them, 2 when nothing could be found out.

    With --device cuda reference and candidate are on a GPU, which is looked at before and held meanwhile. Until
    `forgehand kernel corpus --device cuda` came out there as it should, what passes is needs_review.

    Example: forgehand kernel verify softmax.py my_softmax.py --quick"""
    repro = _repro(task, candidate, device, quick=quick)
    _put_to_the_test(_task(task), _candidate(candidate), repro, device, quick=quick, as_json=as_json)


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="A kernel's name in .forgehand.yml.")],
    folder: Annotated[Path, typer.Option(help="Where the repository is checked out.")] = Path(),
    quick: Annotated[bool, typer.Option("--quick", help="24 cells of inputs instead of 72.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Verify a kernel that .forgehand.yml names, as a pull request's check does.

    Settings, reference and candidate are read as they are in the folder. A pull request's check takes the first two
    from the base branch. What is for a GPU (`device: cuda`) is run on one where boxes have one here. The exit status is
    that of `verify`.

    Example: forgehand kernel check softmax --folder ~/src/kernels"""
    repro = shlex.join(["forgehand", "kernel", "check", name, *(["--quick"] if quick else [])])
    task, candidate = read_entry(folder, name)
    device = "cuda" if task.device == "cuda" and has_gpu(load_settings()) else "cpu"
    _put_to_the_test(task, candidate, repro, device, quick=quick, as_json=as_json)


def _put_to_the_test(found: Task, tried: Candidate, repro: str, device: str, *, quick: bool, as_json: bool) -> None:
    screen, settings = console(as_json=True), load_settings()
    place = make_place(settings, device)
    with (
        keeper_of(settings, device, turn_of_device(screen)) as keeper,
        Broker(place, keeper=keeper) as broker,
        TimingLock(lock_folder(settings), turn_of_timing(screen)) as timing,
        screen.status("starting") as status,
    ):

        def told(stage: Stage) -> None:
            status.update(stage.value)
            timing.at(stage, broker.machine)

        result = broker.verify(found, tried, quick=quick, told=told)
    if as_json:
        document(report.of_report(result, repro))
    else:
        _show(result)
    raise typer.Exit(0 if result.verdict in PASSED else 2 if result.verdict is Verdict.infra_error else 1)


@app.command()
def corpus(
    device: DeviceOption = "cpu",
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Cases whose name holds this; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put our own hacks and honest look-alikes to the test.

    A hack is caught when its verdict is one against it: none that passes, and not needs_gpu. An honest candidate passes
    whatever is said of its speed. An honest source for a GPU should get no more than needs_gpu, and a candidate that
    exploits a worthless task that task's invalid_task. Cases that only a GPU can show are not run and count nowhere.
    Two are under way at once: they may disturb each other's times, and wait for those of anybody else. The exit status
    is 0 when every case that was run came out as it should, 1 when not. docs/kernel-corpus.md is the list of what the
    cases show.

    With --device cuda the cases run on a GPU, those that only a GPU can show among them, and C++ for the processor does
    not. Where all of them come out as they should, the device is qualified: what this code finds on it with this
    software is believed from then on.

    Example: forgehand kernel corpus --only linear_tanh"""
    try:
        named = [case for case in read_cases() if not only or any(part in case.name for part in only)]
    except TaskError as error:
        raise CannotRun(printable(str(error))) from None
    if not named:
        raise CannotRun("--only: no case has such a name")
    chosen = [case for case in named if not case.on_device] if device == "cpu" else list(for_a_device(named))
    run_ones = {case.name for case in chosen}
    left_out = [case for case in named if case.name not in run_ones]
    screen = console(as_json=as_json)
    began = time.monotonic()
    made = 0

    def done(outcome: Outcome) -> None:
        nonlocal made
        made += 1
        screen.print(f"{made:4}/{len(chosen)} {_line(outcome)}", style=None if outcome.as_it_should else "bold red")

    settings = load_settings()
    place, folder, errors = make_place(settings, device), lock_folder(settings), console(as_json=True)
    pause = turn_of_timing(errors)

    def verified(broker: Broker, case: Case) -> Report:
        with TimingLock(folder, pause, "beside others") as timing:
            return broker.verify(case.task, case.candidate, quick=True, told=timing.of(broker))

    with keeper_of(settings, device, turn_of_device(errors)) as keeper:
        trusted = Trusting(keeper) if keeper is not None else None
        outcomes = run(chosen, place, done, verify=verified, keeper=trusted)
        counted = tally(outcomes, left_out, time.monotonic() - began)
        if keeper is not None and not only and all(one.as_it_should for one in outcomes):
            keeper.qualify(*qualification(outcomes, counted))
    if as_json:
        document(counted)
    else:
        _show_tally(counted)
    raise typer.Exit(0 if all(one.as_it_should for one in outcomes) else 1)


def _line(outcome: Outcome) -> str:
    report = outcome.report
    wrong = f" ({report.wrong.value})" if report.wrong else ""
    other = "" if outcome.as_it_says or not outcome.as_it_should else ", not as the case says"
    return (
        f"{report.seconds:5.1f} s  {outcome.case.kind:9} {outcome.case.name:34} "
        f"{report.verdict.value}{wrong} at {report.stage.value}{other}"
    )


def _show_tally(counted: dict[str, Any]) -> None:
    screen = console()
    hacks, honest = counted["hacks"], counted["honest"]
    screen.print(f"{hacks['caught']} of {hacks['total']} hacks caught, ", end="")
    screen.print(f"{honest['passed']} of {honest['total']} honest candidates passed", end="")
    if counted["needs_gpu"]["total"]:
        one = counted["needs_gpu"]
        screen.print(f", {one['as_they_should']} of {one['total']} sources for a GPU not judged beyond that", end="")
    if counted["refused"]["total"]:
        one = counted["refused"]
        screen.print(f", {one['as_they_should']} of {one['total']} worthless tasks refused", end="")
    screen.print(f" in {counted['seconds']:.0f} s")
    for kind, verdicts in counted["verdicts"].items():
        screen.print(f"  {kind}: " + ", ".join(f"{count} {name}" for name, count in verdicts.items()))
    if counted["not_run"]:
        screen.print(f"  not run: no device ({len(counted['not_run'])}): {', '.join(counted['not_run'])}")


def _task(path: Path) -> Task:
    try:
        return read_task(path)
    except TaskError as error:
        raise CannotRun(printable(str(error))) from None


def _candidate(path: Path) -> Candidate:
    try:
        return read_candidate(path)
    except TaskError as error:
        raise CannotRun(printable(str(error))) from None


def _repro(task: Path, candidate: Path, device: str, *, quick: bool) -> str:
    words = ["forgehand", "kernel", "verify", str(task), str(candidate), *(["--quick"] if quick else [])]
    return shlex.join([*words, *(["--device", device] if device != "cpu" else [])])


def _show_audit(task: Task, audit: TaskAudit) -> None:
    screen = console()
    screen.print(f"{printable(task.name)}: {'sound' if audit.sound else 'invalid_task'}", style="bold")
    for line in audit.problems:
        screen.print(f"  problem: {printable(line)}", style="red")
    for line in audit.notes:
        screen.print(f"  note: {printable(line)}")
    for one in audit.degenerate:
        if one.tolerance != "ours":
            at = "exactly right" if one.tolerance == "exact" else f"right at a tolerance of {one.tolerance}"
            screen.print(f"  degenerate: {one.null} is {at} on {one.inputs} inputs and the constructor's weights")
    if audit.output:
        exact = "" if audit.precise else " (it cannot be computed in double precision)"
        screen.print(f"  output: {', '.join(audit.output)}, own rounding {audit.native_error:.2g}{exact}")


_GOOD, _BAD = frozenset({Verdict.faster, Verdict.equal}), frozenset({Verdict.ambiguous, Verdict.slower})


def _show(found: Report) -> None:
    screen = console()
    style = "bold green" if found.verdict in _GOOD else "bold yellow" if found.verdict in _BAD else "bold red"
    where = f" ({found.wrong.value})" if found.wrong else ""
    screen.print(f"{found.verdict.value}{where} at {found.stage.value}", style=style)
    name = printable(found.candidate.name)
    for line in found.reasons:
        screen.print(f"  {printable(line)}")
    if found.line is not None:
        screen.print(f"  {name}:{found.line}")
    for line in found.compiled.errors if found.compiled else ():
        screen.print(f"    {printable(line)}", markup=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    for row in _rows(found):
        table.add_row(*row)
    screen.print(table)
    for one in found.findings:
        at = f" ({name}:{one.line})" if one.line else ""
        screen.print(f"  {one.tier.value}: {printable(one.evidence)}{at}")


def _rows(found: Report) -> list[tuple[str, str]]:
    rows = []
    for built in found.compiled.extensions if found.compiled else ():
        took = "kept from before" if built.cached else f"{built.seconds:.1f} s"
        rows.append(
            (f"compiled {printable(built.name)}", f"{took} ({printable(' '.join(built.cflags)) or 'no flags'})")
        )
    if found.correctness is not None:
        right = found.correctness
        rows.append(("cells", f"{right.passed} of {right.cells}, {len(right.left_out)} left out"))
        rows.append(("error", f"{right.error:.2g}, the reference's own {right.native_error:.2g}"))
    if found.checks:
        rows.append(("audit", f"{len(found.checks)} checks held"))
    if (timing := found.timing) is not None:
        rows.append(("baseline", f"{timing.baseline_s * 1e3:.4g} ms a call ({timing.baseline})"))
        rows.append(("candidate", f"{timing.candidate_s * 1e3:.4g} ms a call"))
        ratio = timing.found
        rows.append(("speed-up", f"{ratio.ratio:.3f}, 95% of [{ratio.low:.3f}, {ratio.high:.3f}]"))
        rows.append(("can be told apart", f"{timing.smallest_effect:.1%}"))
        rows.append(("outputs of timed calls looked at", f"{timing.checked} of {timing.calls}"))
    if found.without_gpu is not None:
        rows += _without_gpu(found.without_gpu)
    if found.device is not None:
        rows.append(("device", f"{printable(found.device.name)}, {found.device.uuid}"))
        rows.append(("software", printable(found.device.software)))
    if found.isolation:
        rows.append(("box", found.isolation))
    return rows


def _without_gpu(found: WithoutGpu) -> list[tuple[str, str]]:
    rows = [("checked", printable(line)) for line in found.checked]
    rows += [("not checked", printable(line)) for line in found.not_checked]
    for launch in found.launched:
        grid = " by ".join(map(str, launch.grid))
        rows.append(("launched", f"{printable(launch.name)}, {launch.launches} times, first as {grid} programs"))
    for one in found.kernels:
        used = f"{one.registers} registers, {one.spilled} bytes spilled, {one.shared} bytes shared"
        rows.append((f"for {printable(one.target)}", f"{printable(one.name)}: {used}"))
    return rows
