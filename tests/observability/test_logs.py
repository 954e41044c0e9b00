"""Logs of our code and of the libraries, in a process of its own: logging is set up once for a whole process."""

import json
import subprocess
import sys
from typing import Any

SECRET = "canary-webhook-secret"
START = f"""
import logging, sys, warnings
import structlog
from observability import configure_logging, task_context
configure_logging("info", secrets=["{SECRET}"], as_json=AS_JSON)
"""


def run(program: str, *, as_json: bool = True) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", START.replace("AS_JSON", str(as_json)) + program],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout == "", "standard output belongs to the command"
    return done.stderr


def events(program: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(program).splitlines()]


def test_one_json_object_a_line_with_time_level_name_and_task() -> None:
    inside, outside = events(
        'with task_context("68f1c0a2b3d4", stage="proving"):\n'
        '    structlog.get_logger("workers.proving").info("proof made", verdict="proven")\n'
        'structlog.get_logger("workers").warning("left")'
    )
    assert inside["timestamp"].endswith("Z")
    del inside["timestamp"], outside["timestamp"]
    assert inside == {
        "event": "proof made",
        "level": "info",
        "logger": "workers.proving",
        "stage": "proving",
        "task_id": "68f1c0a2b3d4",
        "verdict": "proven",
    }
    assert outside == {"event": "left", "level": "warning", "logger": "workers"}


def test_the_standard_library_and_warnings_come_the_same_way() -> None:
    logged, warned = events(
        'with task_context("t"):\n    logging.getLogger("some.library").warning("%s of %d", "three", 4)\n'
        'warnings.simplefilter("always")\nwarnings.warn("old ways", DeprecationWarning)'
    )
    assert (logged["event"], logged["task_id"], logged["logger"]) == ("three of 4", "t", "some.library")
    assert "old ways" in warned["event"]


def test_no_secret_in_a_message_a_field_an_object_or_a_traceback() -> None:
    program = f"""
class Leaky:
    def __repr__(self): return "<{SECRET}>"
log = structlog.get_logger("x")
log.info("it is {SECRET}", header="{SECRET}", nested=[{{"a": "{SECRET}"}}], thing=Leaky())
log.info("token", token="ghs_{"a" * 36}")
logging.getLogger("library").error("%s", "{SECRET}")
try:
    raise ValueError("with {SECRET}")
except ValueError:
    log.exception("failed")
"""
    for as_json in (True, False):
        text = run(program, as_json=as_json)
        assert SECRET not in text
        assert "ghs_a" not in text
        assert text.count("[secret]") >= 6
        assert "ValueError" in text


def test_a_traceback_shows_no_local_variables() -> None:
    program = 'def f(diff):\n    raise ValueError\ntry:\n    f("canary " + "diff")\nexcept ValueError:\n    '
    assert "canary diff" not in run(program + 'structlog.get_logger("x").exception("failed")')


def test_the_level_is_kept_and_chatty_libraries_are_quiet() -> None:
    (event,) = events(
        'structlog.get_logger("x").debug("no")\nlogging.getLogger("y").debug("no")\n'
        'logging.getLogger("LiteLLM").info("prompt")\nlogging.getLogger("sqlalchemy.engine").info("INSERT")\n'
        'structlog.get_logger("x").info("yes")'
    )
    assert event["event"] == "yes"


def test_a_library_cannot_bring_its_own_handler_back() -> None:
    """As litellm does when it is imported, which is after this."""
    (event,) = events(
        'import io\nlogger = logging.getLogger("LiteLLM")\nlogger.addHandler(logging.StreamHandler(sys.stdout))\n'
        f'logger.error("with {SECRET}")'
    )
    assert event["event"] == "with [secret]"


def test_celery_leaves_logging_as_it_is() -> None:
    (event,) = events(
        "from observability.logs import keep_under_celery\nkeep_under_celery()\n"
        "from celery import Celery\napp = Celery('x', broker='memory://')\n"
        "app.log.setup(loglevel='DEBUG', redirect_stdouts=False)\nlogging.getLogger('celery.worker').info('ready')"
    )
    assert (event["event"], event["logger"]) == ("ready", "celery.worker")
