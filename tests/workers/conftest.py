"""A furnished twin for a module's tests, and a counter of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.github import Twin
from forges.github import GitHubApp, Patience
from store import Database
from tests.forges.receiver import Receiver
from tests.forges.stage import Place
from tests.workers.counter import Counter


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("twin")
    with Receiver() as receiver, Twin(folder / "repositories") as twin:
        stage = twin.furnish(hook_url=receiver.url)
        app = GitHubApp(
            stage.url,
            stage.app_id,
            stage.private_key,
            write_spacing_s=0.0,
            patience=Patience(timeout_s=10, wait_s=1, attempts=1),
        )
        installation = app.installation(stage.installation_id)
        bot = installation.bot_user(stage.app_slug)
        twin.controls().ci(False)
        yield Place(twin, stage, app, installation.repository(stage.repository), bot.id, receiver, folder)


@pytest.fixture
def counter(place: Place, sqlite_database: Database, tmp_path: Path) -> Iterator[Counter]:
    made = Counter(place, sqlite_database, tmp_path)
    yield made
    place.controls.clear_faults()
    made.take_in()
