"""A demo house whose model and GitHub outlive what is killed, and the bookkeeping of what a kill may cost."""

import base64
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.journal import Replied, from_json
from cli.demo_house import House, furnished
from demo.github import Twin
from store import Stage, journal
from store.schema import Task
from tests.end_to_end.gates import Gate, GatedModel

SCRIPT = Path(__file__).with_name("way.script.yml")
LEASE_S = 4.0
ENDS = frozenset({Stage.DONE, Stage.FAILED, Stage.CANCELLED, Stage.NEEDS_HUMAN})


@dataclass
class ChaosHouse:
    """`allowed` counts for each step of the model how often a kill had it in flight: so often it may be asked again.
    `given_up` counts the calls a worker gave up in good order: each stays on the books, since it may have been billed.
    """

    house: House
    gate: Gate
    model: GatedModel
    allowed: Counter[tuple[str, int]] = field(default_factory=Counter)
    given_up: int = 0
    kills: int = 0
    recovered_s: list[float] = field(default_factory=list)

    @property
    def task(self) -> Task:
        found = self.house.tasks()
        assert len(found) == 1, f"{len(found)} tasks"
        return found[0]

    @property
    def stage(self) -> str | None:
        found = self.house.tasks()
        return found[0].stage if found else None

    def assign(self) -> None:
        stage = self.house.stage
        self.house.maintainer.assign(stage.repository, stage.issue, stage.trigger_login)

    def wait(self, what: str, until: Callable[[], bool], within_s: float = 120.0) -> None:
        """Like House.wait, looking more often and ending at once when the task ended."""
        deadline = time.monotonic() + within_s
        while not until():
            if self.stage in ENDS and not until():
                raise AssertionError(f"{what}: the task ended in {self.stage}: {self.task.reason}")
            assert time.monotonic() < deadline, f"{what}: not within {within_s:.0f} s; the task is {self.stage}"
            self.house.check_alive()
            time.sleep(0.005)

    def wait_stage(self, *stages: Stage, within_s: float = 120.0) -> None:
        self.wait(f"the task comes to {stages}", lambda: self.stage in stages, within_s)

    def kill(self, name: str = "worker") -> None:
        """SIGKILL, and a new process at once. What of the model was in flight may be asked for once more."""
        process = self.house.processes[name]
        assert process.poll() is None, f"{name} had ended by itself:\n{self.house.log(name)[-2000:]}"
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.kills += 1
        if name == "spare":
            self.start_spare()
        else:
            self.house.start(name)
        if name != "web":
            self.allowed.update(self.model.asked.keys() - self.paid())

    def start_spare(self) -> None:
        """A second worker beside the first."""
        with (self.house.state / "spare.log").open("ab") as log:
            self.house.processes["spare"] = subprocess.Popen(
                [sys.executable, "-m", "cli", "worker"], env=dict(self.house.environment), stdout=log, stderr=log
            )

    def kill_and_recover(self) -> None:
        """Kills the worker and notes how long it took until another had claimed the task."""
        fence = self.task.fence
        began = time.monotonic()
        self.kill()
        self.wait("the task is taken over", lambda: self.task.fence > fence)
        self.recovered_s.append(time.monotonic() - began)

    def paid(self) -> set[tuple[str, int]]:
        """The model's replies the journal holds, as (window, position)."""
        seen: Counter[str] = Counter()
        with self.house.database.read() as session:
            for task in self.house.tasks():
                for window, recorded in journal.of_task(session, task.id):
                    if isinstance(from_json(recorded.entry["json"]), Replied):
                        seen[window.rpartition("/")[2].removesuffix("#1")] += 1
        return {(window, position) for window, count in seen.items() for position in range(count)}

    def review(self) -> None:
        """A review with two inline comments, as way.script.yml expects it."""
        head, number = self.task.head_sha or "", self.task.pull_number or 0
        comments = [
            self._comment(head, "durations/parsing.py", "round(float(amount)", "Are halves rounded up?"),
            self._comment(head, "tests/unit/test_parsing.py", 'parse_duration("1.5h")', "And in the middle?"),
        ]
        self.house.reviewer.review(self.house.stage.repository, number, body="", comments=comments)

    def _comment(self, head: str, path: str, words: str, body: str) -> dict[str, Any]:
        found = self.house.maintainer.ask("GET", f"/repos/{self.house.stage.repository}/contents/{path}?ref={head}")
        lines = base64.b64decode(found["content"]).decode().splitlines()
        line = next(number for number, text in enumerate(lines, start=1) if words in text)
        return {"path": path, "line": line, "side": "RIGHT", "body": body}

    def report_status(self, state: str) -> None:
        """A person reports a commit status on the pull request's head, as an outside CI would."""
        sha = self.task.head_sha
        self.house.maintainer.ask(
            "POST", f"/repos/{self.house.stage.repository}/statuses/{sha}", {"state": state, "context": "outside"}
        )

    def merge_and_finish(self) -> None:
        self.house.maintainer.merge(self.house.stage.repository, self.task.pull_number or 0)
        deadline = time.monotonic() + 40
        while self.task.finished_at is None:
            assert time.monotonic() < deadline, f"not finished after the merge: {self.stage}"
            self.house.check_alive()
            time.sleep(0.01)


@contextmanager
def chaos_house(folder: Path, *, script: Path = SCRIPT, ci: bool = False, **overrides: str) -> Iterator[ChaosHouse]:
    """A house with short waits. `ci`: whether the twin runs the repository's own workflow."""
    gate, model = Gate(), GatedModel(script)
    twin = Twin(folder / "twin", wrap=gate.wrap)
    with model.serve() as server:
        assert model.price is not None
        price = {
            "input_per_million": float(model.price.input_per_million),
            "output_per_million": float(model.price.output_per_million),
        }
        settings = {
            "FORGEHAND_MODEL": "openai/{window}",
            "FORGEHAND_MODEL_API_BASE": server.base_url,
            "FORGEHAND_MODEL_API_KEY": server.api_key,
            "FORGEHAND_MODEL_PRICES": json.dumps({"openai/{window}": price}),
            "FORGEHAND_LEASE_S": f"{LEASE_S:g}",
            "FORGEHAND_GITHUB_TIMEOUT_S": "2",
            "FORGEHAND_CI_SETTLE_S": "0.5",
            "FORGEHAND_CI_POLL_S": "0.5",
            "FORGEHAND_IN_REVIEW_POLL_S": "5",
            "FORGEHAND_SWEEP_INTERVAL_S": "0.2",
            "FORGEHAND_DELIVERY_POLL_S": "2",
            "FORGEHAND_REVIEW_DEBOUNCE_S": "0.3",
        }
        with furnished(folder, twin=twin, overrides=settings | overrides) as house:
            twin.controls().ci(ci)
            yield ChaosHouse(house, gate, model)
