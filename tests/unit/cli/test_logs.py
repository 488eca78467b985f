"""A log line cannot hold a person's data."""

import json

import pytest
import structlog

from careloop.cli import logs
from careloop.cli.logs import keep_allowed, name_failure


def test_unknown_keys_do_not_come_through() -> None:
    kept = keep_allowed(None, "info", {"event": "done", "count": 3, "patient": "Ann Smith", "body": "PID|1"})
    assert kept == {"event": "done", "count": 3}


@pytest.mark.parametrize("value", ["MSH|^~\\&|A", "a\nb", "x" * 201, b"raw", ["Ann"], "O'Hara"])
def test_a_text_that_is_no_code_does_not_come_through_even_under_a_known_key(value: object) -> None:
    assert "code" not in keep_allowed(None, "info", {"event": "done", "code": value})


def test_an_exception_is_named_but_its_text_is_not() -> None:
    try:
        try:
            raise KeyError("Ann Smith")
        except KeyError as error:
            raise ValueError("born 1950-01-01") from error
    except ValueError as error:
        named = name_failure(None, "error", {"event": "failed", "exc_info": error})
    assert named["failed"] == "ValueError from KeyError"
    assert "test_logs.py" in named["failed_at"]
    assert "Ann" not in json.dumps(named)
    assert "1950" not in json.dumps(named)


def test_a_library_cannot_say_more_than_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    before = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        logs.configure("info")
        logging.getLogger("some.library").warning("failed for %s", "Ann Smith")
        line = json.loads(capsys.readouterr().err)
    finally:
        logging.getLogger().handlers, _ = before[0], logging.getLogger().setLevel(before[1])
        structlog.reset_defaults()
    assert line["logger"] == "some.library"
    assert "Ann" not in json.dumps(line)
