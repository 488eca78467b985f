"""The line under the verb says what the matter is before it says how often somebody tried."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from careloop.loops.model import Evidence
from careloop.loops.rows import line_under

AT = datetime(2026, 11, 20, 21, tzinfo=UTC)
TRY = Evidence(reference="Communication/a/_history/1", at=AT, says="no answer")


def _step(**given: Any) -> Any:
    return SimpleNamespace(**{"rule_met": None, "attempts": (), "due_because": "2 business days", **given})


def _loop(about: str) -> Any:
    return SimpleNamespace(about=about)


def test_the_matter_comes_first_and_tries_follow() -> None:
    about = "Home since Fri 20 Nov, heart failure"
    assert line_under(_loop(about), _step()) == about
    tried = line_under(_loop(about), _step(attempts=(TRY, replace(TRY, says="left a message"))))
    assert tried == f"{about}. 2 tries so far, last: left a message"


def test_without_a_line_the_arithmetic_of_the_deadline_is_shown() -> None:
    assert line_under(_loop(""), _step()) == "2 business days"
