"""Logging for every part: one line an event on standard error, as JSON or as text.

An exception is logged by its type and the place it came from, never by its text: texts of foreign
exceptions may quote what they choked on, and that may be a Secret. Told with their text are only a
:class:`~strongroom.api.errors.StatusError`, whose message is written for clients and never holds a
value, exceptions whose class says ``holds_no_payload = True``, and of the system's errors what
their number means.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

import msgspec

from strongroom.api.errors import StatusError

_REPRS = re.compile(r"[\n<(\[{'\":]")

LogFormat = Literal["json", "text"]
LOG_LEVELS = ("debug", "info", "warning", "error")
"""What ``--log-level`` takes, of every part alike."""


def setup_logging(format: LogFormat = "text", level: str | int = "info") -> None:  # noqa: A002 - the option's own name
    """Send the records of all loggers to standard error in this format; may be called again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper() if isinstance(level, str) else level)
    sys.excepthook = _log_uncaught


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """The end of a process by an exception: a printed traceback would quote the exception."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log(logging.getLogger("strongroom"), logging.CRITICAL, "ended by an error", error)


def log(
    logger: logging.Logger,
    level: int,
    message: str,
    error: BaseException | None = None,
    **fields: Any,
) -> None:
    """Log an event with its fields; ``error`` adds its type and location (see the module)."""
    if not logger.isEnabledFor(level):
        return
    if error is not None:
        fields |= describe_exception(error)
    logger.log(level, message, extra={"fields": fields})


def describe_exception(error: BaseException) -> dict[str, Any]:
    """What may be told of an exception: ``error`` (type, Status message) and ``at`` (file:line)."""
    kind, told = type(error).__qualname__, _told(error)
    told = kind if told is None else f"{kind}: {told}"
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    at = " < ".join(f"{_short(f.filename)}:{f.lineno}" for f in reversed(frames))
    return {"error": told, "at": at} if at else {"error": told}


def _told(error: BaseException) -> str | None:
    """The text of an exception that cannot hold a payload; of any other, None."""
    if isinstance(error, StatusError):
        return error.message
    if type(error).__module__ == "builtins" and isinstance(error, OSError) and error.errno:
        # The system's words for its own number; the exception's text may be anybody's.
        return os.strerror(error.errno)
    return str(error) if getattr(error, "holds_no_payload", False) is True else None


def _short(filename: str) -> str:
    return "/".join(filename.rsplit("/", 3)[-2:])


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = dict(getattr(record, "fields", {}))
    if record.exc_info and record.exc_info[1] is not None:
        fields |= describe_exception(record.exc_info[1])
    return fields


def _message(record: logging.LogRecord) -> str:
    if record.name == "asyncio":
        # Its texts are made of reprs, of exceptions and of the arguments of callbacks: keep the
        # words before the first of them. Type and place of an exception are fields.
        return _REPRS.split(record.getMessage(), maxsplit=1)[0].strip()
    args = record.args if isinstance(record.args, tuple) else ()
    if not any(isinstance(a, BaseException) for a in args):
        return record.getMessage()
    # An exception among the arguments is told by its type, unless its text is known to be safe.
    safe = [_argument(a) if isinstance(a, BaseException) else a for a in args]
    try:
        return str(record.msg) % tuple(safe)
    except (TypeError, ValueError):
        return str(record.msg)


def _argument(error: BaseException) -> str:
    told = _told(error)
    return type(error).__qualname__ if told is None else told


class JSONFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, then the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        for name, value in _fields(record).items():
            line.setdefault(name, value)
        return msgspec.json.encode(line, enc_hook=lambda o: type(o).__name__).decode()


class TextFormatter(logging.Formatter):
    """``TIME LEVEL LOGGER MESSAGE key=value …`` on one line."""

    def format(self, record: logging.LogRecord) -> str:
        head = f"{_time(record)} {record.levelname:<7} {record.name} {_message(record)}"
        tail = " ".join(f"{name}={_quoted(value)}" for name, value in _fields(record).items())
        return _one_line(f"{head} {tail}" if tail else head)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _quoted(value: Any) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text


def _one_line(text: str) -> str:
    # A line break inside a field would let its sender forge a log line, and what commands a
    # terminal would command that of whoever reads the log there.
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
