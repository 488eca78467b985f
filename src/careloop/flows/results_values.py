"""Results as a board shows them: value with word and arrow, range, what it was before. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloop.loops.model import ClockState
from careloop.loops.rules.abnormal import out_of_range
from careloop.loops.rules.result_values import flags_of, range_of, words_of

Resource = Mapping[str, Any]

LISTS = (
    ("unseen", "results-unseen", "Not seen by a doctor"),
    ("untold", "results-untold", "Seen, patient not told"),
    ("follow-up", "results-follow-up", "Follow-up not done"),
    ("not-taken", "results-not-taken", "Ordered, not taken"),
    ("no-result", "results-no-result", "Taken, no result"),
)
"""Key, column of the pathway's board, title. Not done is not no result (RE-06)."""

STEP_OF = {
    "unseen": "reviewed",
    "untold": "patient-told",
    "follow-up": "follow-up",
    "not-taken": "collected",
    "no-result": "resulted",
}

_FLAG_WORDS = {
    "A": "abnormal",
    "AA": "critical",
    "POS": "positive",
    "DET": "detected",
    "RR": "reactive",
    "IND": "unclear",
}


@dataclass(frozen=True, kw_only=True)
class ValueShown:
    """One value. `word` and `arrow` are empty where it is normal or nobody can tell; `before` is the value before this
    one, `was` what stood there before a correction (RE-04)."""

    name: str
    text: str
    word: str = ""
    arrow: str = ""
    range: str = ""
    before: str = ""
    was: str = ""


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """One test on the board. `page`: somebody must be called now. `flag` says why a value could not be decided."""

    loop_id: str
    patient_id: str
    patient_name: str
    age: int | None
    sex: str
    language: str
    test: str
    status: str
    values: tuple[ValueShown, ...]
    conclusion: str
    group: str
    finding: str
    flag: str
    page: bool
    follow_up: str
    asked_by: str
    due: datetime
    because: str
    target: datetime | None
    clock: ClockState
    acknowledged: str | None
    results: tuple[str, ...]
    segments: tuple[bool, ...]
    has_order: bool

    @property
    def is_normal(self) -> bool:
        """Told in bulk only when everything in it is normal and final."""
        return self.finding == "normal" and self.status in ("final", "corrected", "amended", "appended")

    @property
    def finding_words(self) -> str:
        """The finding as people say it."""
        words = {"cannot-decide": "cannot be compared", "unknown": "not marked", "critical-orange": "critical"}
        return words.get(self.finding, self.finding.replace("critical-yellow", "critical"))


@dataclass(frozen=True, kw_only=True)
class Suggested:
    """An order that a result without one may belong to (RE-08). `sure`: it has the same order number."""

    order: str
    test: str
    ordered: datetime
    sure: bool
    hours_apart: int | None


@dataclass(frozen=True, kw_only=True)
class ListShown:
    """One list: its name and how many wait in it."""

    key: str
    title: str
    total: int
    late: int


def value_of(observation: Resource, before: str = "", was: str = "") -> ValueShown:
    """An Observation as one value."""
    word, arrow = _word(observation)
    return ValueShown(
        name=name_of_test(observation),
        text=text_of_value(observation),
        word=word,
        arrow=arrow,
        range=_range(observation),
        before=before,
        was=was,
    )


def name_of_test(resource: Resource) -> str:
    """What the test is called."""
    return words_of(resource.get("code", {})).split(" / ")[0] or "Test"


def text_of_value(observation: Resource) -> str:
    """`5.9 mmol/L`, `> 6.0 mmol/L`, words, or `no value`."""
    quantity = observation.get("valueQuantity")
    if isinstance(quantity, Mapping) and quantity.get("value") is not None:
        parts = (quantity.get("comparator"), quantity["value"], quantity.get("unit") or quantity.get("code"))
        return " ".join(str(part) for part in parts if part not in (None, ""))
    if "valueCodeableConcept" in observation:
        return words_of(observation["valueCodeableConcept"]).split(" / ")[0] or "coded value"
    for name in ("valueString", "valueInteger", "valueBoolean", "valueDateTime"):
        if name in observation:
            return str(observation[name])[:300]
    parts_of_it = observation.get("component", ())
    return "; ".join(f"{name_of_test(one)} {text_of_value(one)}" for one in parts_of_it) or "no value"


def _word(observation: Resource) -> tuple[str, str]:
    way = out_of_range(observation)
    if way == "low":
        return "low", "▼"
    if way == "high":
        return "high", "▲"
    flags = flags_of(observation)
    return next(((word, "●") for code, word in _FLAG_WORDS.items() if code in flags), ("", ""))


def _range(observation: Resource) -> str:
    for one in observation.get("referenceRange", ()):
        if one.get("text"):
            return str(one["text"])
        break
    low, high = range_of(observation)
    if low is not None and high is not None:
        return f"{low} to {high}"
    if high is not None:
        return f"up to {high}"
    return f"from {low}" if low is not None else ""
