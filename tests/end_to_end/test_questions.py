"""A question in a comment, with the processes of production: web, worker and broker, and the twin watched."""

import re
from pathlib import Path
from typing import Any

import httpx

from cli.demo_house import House
from store import Stage
from tests.end_to_end.test_demo import witnessed

LINK = re.compile(r"\]\((https?://[^)\s]+)\)")


def comments(house: House, number: int) -> list[dict[str, Any]]:
    path = f"/repos/{house.stage.repository}/issues/{number}/comments"
    found: list[dict[str, Any]] = house.maintainer.ask("GET", path)
    return [one for one in found if one["user"]["login"] == f"{house.stage.app_slug}[bot]"]


def test_a_question_is_answered_and_an_outsider_is_not(tmp_path: Path) -> None:
    with witnessed(tmp_path) as house:
        repository, issue = house.stage.repository, house.stage.issue
        house.maintainer.comment(repository, issue, "@forgehand explain how is a duration parsed into seconds?")
        house.wait("an answer", lambda: bool(comments(house, issue)), within_s=120)
        (answer,) = comments(house, issue)
        assert "`parse_duration`" in answer["body"]
        links = LINK.findall(answer["body"])
        assert len(links) >= 3
        for link in links:
            page = httpx.get(link, timeout=10, trust_env=False)
            assert page.status_code == 200
            line = re.search(r"#L(\d+)", link)
            assert line is not None
            assert f'id="L{line[1]}"' in page.text
        house.wait("the end", lambda: all(task.finished_at is not None for task in house.tasks()))
        (task,) = house.tasks()
        assert (task.stage, task.pull_number, task.branch) == (Stage.DONE, None, None)

        house.outsider.comment(repository, issue, "@forgehand explain how is a duration parsed into seconds?")
        house.wait("a refusal", lambda: len(comments(house, issue)) == 2)
        assert "only people with write permission" in comments(house, issue)[-1]["body"]
        assert len(house.tasks()) == 1

        house.maintainer.comment(repository, issue, "/forgehand explain where is the Kafka consumer?")
        house.wait("another answer", lambda: len(comments(house, issue)) == 3, within_s=120)
        assert "**Not found.**" in comments(house, issue)[-1]["body"]
        assert house.maintainer.ask("GET", f"/repos/{repository}/pulls?state=all") == []
