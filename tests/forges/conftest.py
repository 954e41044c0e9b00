"""Fixtures for the forges room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from forges.github import GitHubApp, Patience

if TYPE_CHECKING:
    from .stage import Place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A furnished twin, for one test module. Imported here: the tests of the pure part need no twin."""
    from demo.github import Twin

    from .receiver import Receiver
    from .stage import Place

    folder = tmp_path_factory.mktemp("twin")
    with Receiver() as receiver, Twin(folder / "repositories") as twin:
        stage = twin.furnish(hook_url=receiver.url)
        app = GitHubApp(
            stage.url,
            stage.app_id,
            stage.private_key,
            write_spacing_s=0.0,
            patience=Patience(timeout_s=10, wait_s=5, attempts=3),
        )
        installation = app.installation(stage.installation_id)
        bot = installation.bot_user(stage.app_slug)
        twin.controls().ci(False)
        yield Place(twin, stage, app, installation.repository(stage.repository), bot.id, receiver, folder)
