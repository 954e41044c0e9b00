"""The embedded broker: whole messages in order, each to one reader, and none that stops a reader."""

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from celery import Celery

from settings import Settings
from workers.celery_app import ADVANCE, QUEUE, make_celery


@pytest.fixture
def celery(tmp_path: Path) -> Celery:
    return make_celery(Settings(state_dir=tmp_path))


def ring(celery: Celery, *task_ids: str) -> None:
    for task_id in task_ids:
        celery.send_task(ADVANCE, args=[task_id], ignore_result=True)


def drain(celery: Celery) -> list[str]:
    """Every message that waits, acknowledged; the task ids."""
    found = []
    with celery.connection_for_read() as connection:
        queue = celery.amqp.queues[QUEUE].bind(connection.default_channel)
        queue.declare()
        while (message := queue.get()) is not None:
            message.ack()
            found.append(message.payload[0][0])
    return found


def test_in_order_and_once(celery: Celery) -> None:
    ring(celery, "a", "b", "c")
    assert drain(celery) == ["a", "b", "c"]
    assert drain(celery) == []


def test_another_process_reads_what_one_wrote(celery: Celery, tmp_path: Path) -> None:
    ring(celery, "a")
    code = (
        "import sys; from pathlib import Path; from settings import Settings\n"
        "from workers.celery_app import make_celery; from tests.workers.test_folder_broker import drain\n"
        "print(drain(make_celery(Settings(state_dir=Path(sys.argv[1])))))"
    )
    read = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert read.stdout.strip() == "['a']"
    assert drain(celery) == []


@pytest.mark.parametrize("content", [b"", b'{"body": "', b"\xff\xfe"])
def test_half_a_message_is_passed_over(content: bytes, celery: Celery, tmp_path: Path) -> None:
    """What a killed process, or a disk that was full, may have left."""
    broken = tmp_path / "broker" / f"0.{QUEUE}.msg"
    broken.write_bytes(content)
    (tmp_path / "broker" / "1.half").write_bytes(content)
    ring(celery, "a")
    assert drain(celery) == ["a"]
    assert not broken.exists()
    old = tmp_path / "broker" / "1.half"
    make_celery(Settings(state_dir=tmp_path))
    assert old.exists(), "it may still be in the making"
    os.utime(old, (0, 0))
    make_celery(Settings(state_dir=tmp_path))
    assert not old.exists()


def test_many_readers_and_writers_share_the_messages(celery: Celery, tmp_path: Path) -> None:
    wanted = [f"{writer}-{number}" for writer in range(4) for number in range(50)]
    got: Counter[str] = Counter()
    writing = threading.Event()
    lock = threading.Lock()

    def read() -> None:
        own = make_celery(Settings(state_dir=tmp_path))
        while not writing.is_set() or any((tmp_path / "broker").glob("*.msg")):
            found = drain(own)
            with lock:
                got.update(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    writers = [threading.Thread(target=ring, args=(celery, *wanted[at : at + 50])) for at in range(0, 200, 50)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    writing.set()
    for thread in readers:
        thread.join()
    assert got == Counter(wanted)
    assert os.listdir(tmp_path / "broker") == []


def test_purging_and_counting(celery: Celery) -> None:
    ring(celery, "a", "b")
    with celery.connection_for_read() as connection:
        queue = celery.amqp.queues[QUEUE].bind(connection.default_channel)
        assert queue.queue_declare().message_count == 2
        assert queue.purge() == 2
    assert drain(celery) == []
