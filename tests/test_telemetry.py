"""Logs: one line an event, structured, without the texts of exceptions."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from strongroom.api.errors import bad_request
from strongroom.telemetry import describe_exception, log, setup_logging

logger = logging.getLogger("strongroom.test")


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook
    yield
    sys.excepthook = hook
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("json")
    log(logger, logging.INFO, "it happened", number=3, name="x\ny")
    line = json.loads(capsys.readouterr().err)
    assert (line["message"], line["number"], line["name"]) == ("it happened", 3, "x\ny")
    assert (line["level"], line["logger"]) == ("info", "strongroom.test")


def test_text_lines_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("text")
    log(logger, logging.WARNING, "it happened", name="x\n2026 INFO forged")
    (line,) = capsys.readouterr().err.splitlines()
    assert 'name="x\\n2026 INFO forged"' in line


def test_text_lines_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("text")
    logger.warning("said %s", "é \x1b[2J \x9b31m \x7f \u2028 \u202e \r")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("said é \\x1b[2J \\x9b31m \\x7f \\u2028 \\u202e \\r")


@pytest.mark.parametrize("form", ["json", "text"])
def test_exceptions_are_told_by_type_and_place(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging("json" if form == "json" else "text")
    try:
        raise ValueError("canary")
    except ValueError as error:
        log(logger, logging.ERROR, "failed", error)
        logger.exception("failed")
        logger.error("failed: %s", error)
    written = capsys.readouterr().err
    assert "canary" not in written
    assert "ValueError" in written
    assert "test_telemetry.py" in written


def test_a_status_message_may_be_told() -> None:
    assert describe_exception(bad_request("why"))["error"] == "StatusError: why"


def test_of_a_system_error_the_number_is_told() -> None:
    told = describe_exception(OSError(28, "canary", "canary"))["error"]
    assert told == "OSError: No space left on device"
    assert describe_exception(OSError("canary"))["error"] == "OSError"


class Harmless(Exception):
    holds_no_payload = True


@pytest.mark.parametrize("error", [bad_request("refused"), Harmless("refused")])
def test_what_the_server_or_the_connection_said_is_told(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    setup_logging("text")
    logger.warning("cannot follow %s: %s", "pods", error)
    assert "cannot follow pods: refused" in capsys.readouterr().err


def test_other_exceptions_among_the_arguments_keep_the_rest_of_the_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("text")
    logger.warning("pod %s: %s", "web", ValueError("canary"))
    logger.warning("%d tries: %r", 3, ValueError("canary"))
    logger.warning("%d tries", ValueError("canary"))
    written = capsys.readouterr().err
    assert "pod web: ValueError" in written
    assert "3 tries: 'ValueError'" in written
    assert "canary" not in written


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("text", "warning")
    log(logger, logging.INFO, "quiet")
    assert capsys.readouterr().err == ""


async def test_what_asyncio_says_of_a_lost_exception_quotes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setup_logging("json")
    loop = asyncio.get_running_loop()

    def explode(value: bytes) -> None:
        raise ValueError(value.decode())

    loop.call_soon(explode, b"hunter2")
    await asyncio.sleep(0.01)
    told = capsys.readouterr().err
    assert "hunter2" not in told
    line = json.loads(told.splitlines()[0])
    assert line["message"].startswith("Exception in callback")
    assert line["error"] == "ValueError"


def test_a_process_that_ends_by_an_exception_does_not_print_its_text() -> None:
    program = (
        "from strongroom.telemetry import setup_logging\n"
        "setup_logging()\n"
        "raise ValueError('hunter2')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "hunter2" not in done.stderr
    assert "error=ValueError" in done.stderr
