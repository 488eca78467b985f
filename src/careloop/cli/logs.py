"""Logs as JSON lines on stderr that cannot hold a person's data: only known keys with plain values come through."""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

ALLOWED_KEYS = frozenset(
    {
        "event", "level", "timestamp", "logger", "process", "pid", "port", "host", "seconds", "count", "counts",
        "tenant", "tenant_id", "inbox_id", "loop_id", "resource_type", "stage", "status", "method", "route", "code",
        "kind", "rule", "attempt", "exit_status", "request_id", "size", "limit", "version", "url_path",
        "failed", "failed_at", "error", "messages", "address", "lag_seconds", "pending", "signal", "error_id",
    }
)  # fmt: skip
"""What a log line may say. Tools check that calls use no other keyword."""

_PLAIN = re.compile(r"^[A-Za-z0-9_.:/@ ,()=-]{1,200}$")


def keep_allowed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The event without unknown keys, and without texts that are more than a code, a number or a route."""
    return {name: value for name, value in event.items() if name in ALLOWED_KEYS and _is_plain(value)}


def name_failure(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception becomes the names of its kinds and the places it passed, never its text."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info if isinstance(info, BaseException) else (info[1] if isinstance(info, tuple) else None)
    if error is not None:
        event["failed"] = " from ".join(_chain(error))
        event["failed_at"] = ", ".join(_places(error.__traceback__))[-200:]
    return event


def configure(level: str) -> None:
    """Every logger of this process, those of libraries too, writes such lines to stderr."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            name_failure,
            keep_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_LibraryHandler()]
    root.setLevel(max(number, logging.WARNING))


class _LibraryHandler(logging.Handler):
    """Libraries may put anything into their texts: only who spoke, how loudly and what failed is kept."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line about the record, without its text."""
        structlog.get_logger().log(
            record.levelno, "library", logger=record.name, code=record.funcName, exc_info=record.exc_info or None
        )


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(name) and _is_plain(one) for name, one in value.items())
    return value is None or isinstance(value, (bool, int, float)) or bool(_PLAIN.match(str(value)))


def _chain(error: BaseException | None) -> list[str]:
    names: list[str] = []
    while error is not None and len(names) < 5:
        names.append(type(error).__name__)
        error = error.__cause__ or error.__context__
    return names


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    return [f"{frame.filename.rsplit('careloop/', 1)[-1]}:{frame.lineno}" for frame in frames][-6:]
