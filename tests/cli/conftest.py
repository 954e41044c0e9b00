"""The program in this process, with a state folder of its own."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import structlog

from cli.main import main
from store import Database
from store.migrating import migrate
from tests.cli.ground import ISSUE, SUMS, Forgehand, Ran, make_repository


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder; no other setting is given, and no model's key."""
    for name in list(os.environ):
        if name.endswith("_API_KEY") or (name.startswith("FORGEHAND_") and name != "FORGEHAND_REQUIRE_ENGINES"):
            monkeypatch.delenv(name)
    folder = tmp_path / "state"
    monkeypatch.setenv("FORGEHAND_STATE_DIR", str(folder))
    return folder


@pytest.fixture
def database(state: Path) -> Iterator[Database]:
    """The service's own database, as `forgehand serve` makes it."""
    made = Database(f"sqlite:///{state / 'forgehand.db'}")
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def forgehand(
    state: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], logging_as_it_was: None
) -> Forgehand:
    """Runs the program as its entry point does; the exit status is the one the shell would see."""

    def run(*arguments: str | Path) -> Ran:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["forgehand", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        out, err = capfd.readouterr()
        return Ran(status, out, err)

    return run


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """A command sets up logging for its whole process, which here is not its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    """A repository whose `total` leaves out the first number."""
    return make_repository(tmp_path / "sums", SUMS)


@pytest.fixture
def issue(tmp_path: Path) -> Path:
    path = tmp_path / "issue.md"
    path.write_text(ISSUE)
    return path


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """LiteLLM 1.106 reads two attributes of each streamed chunk in a way pydantic 2.11 deprecates."""
    here = Path(__file__).parent
    warning = r"ignore:Accessing the 'model_(computed_)?fields' attribute:DeprecationWarning"
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.filterwarnings(warning))
