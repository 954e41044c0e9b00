"""The engines the other tests stand on: each test gets a database of its own, and absence is never silent."""

import pytest
import redis
from sqlalchemy import func, select

from store.database import Database
from store.schema import Delivery
from tests.engines import absent


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_clean_database(database: Database, turn: int) -> None:
    with database.write() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0
        session.add(
            Delivery(
                source="github",
                app_id="1",
                delivery_id="d",
                event="ping",
                content_type="application/json",
                body=b"{}",
                received_at=float(turn),
            )
        )
    with database.read() as session:
        assert session.scalar(select(Delivery.received_at)) == float(turn)


def test_redis_answers(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.set("a", "b")
    assert client.get("a") == b"b"
    client.close()


def test_a_missing_engine_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORGEHAND_REQUIRE_ENGINES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="engine absent: Oracle"):
        absent("Oracle")


def test_a_missing_engine_fails_where_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORGEHAND_REQUIRE_ENGINES", "1")
    with pytest.raises(pytest.fail.Exception, match="engine absent: Oracle"):
        absent("Oracle")
