"""Case files of reconciliation: a pharmacist writes lists as they stand on paper, and how their rows must come out.

A case has `lists` (source to lines with `medicine`, `how`, `status`, `end`, `why`, `stopped_because`) and `rows` (a
word of the medicine to `group`, `kinds`, `maybe`, `says`: how it is taken, the hospital first; no other row may be
there). It may have `unverified`, and `decide`: by the same word the decision (`outcome`, `use`, `reason`, `until`,
`condition`, `owner`, `due`) with `change`, `stops` or `refused`; `left`: how many rows nobody has settled then.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from careloop.errors import Fault
from careloop.medications.cases import TODAY
from careloop.medications.drugs import Drugs
from careloop.medications.reading import read_medicine
from careloop.medications.rules.reconciling.comparing import compare
from careloop.medications.rules.reconciling.entries import entry_of
from careloop.medications.rules.reconciling.outcomes import Decision, Outcome, faults_of, held, left_over
from careloop.medications.rules.reconciling.values import Comparison, MedicineList, Row, Side, Source

Line = Mapping[str, Any]


def is_case(case: Any) -> bool:
    """True for a case of this kind."""
    return isinstance(case, Mapping) and "lists" in case and "rows" in case


def run_case(case: Line, drugs: Drugs) -> list[Fault]:
    """What of the case is not so, with the lists in either order."""
    try:
        lists = [_list(Source(name), lines or [], drugs) for name, lines in case["lists"].items()]
        told = [text for some in (lists, lists[::-1]) for text in _wrong(case, compare(some))]
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        told = [f"a case that can be read ({type(error).__name__}: {error})"]
    return [Fault(at="", expected=text) for text in dict.fromkeys(told)]


def _list(source: Source, lines: list[Line], drugs: Drugs) -> MedicineList:
    today = date.fromisoformat(TODAY)
    entries = tuple(
        entry_of(read_medicine(_resource(f"{source.value}-{number}", line), drugs), source, 1, today)
        for number, line in enumerate(lines)
    )
    return MedicineList(source=source, who=source.value, told=today, entries=entries)


def _resource(own: str, line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "MedicationStatement",
        "id": own,
        "status": line.get("status", "active"),
        "medicationCodeableConcept": {"text": line["medicine"]},
    }
    if "how" in line:
        found["dosage"] = [{"text": line["how"]}]
    if "end" in line:
        found["effectivePeriod"] = {"end": str(line["end"])}
    if "why" in line:
        found["reasonCode"] = [{"text": line["why"]}]
    if "stopped_because" in line:
        found["statusReason"] = [{"text": line["stopped_because"]}]
    return found


def _wrong(case: Line, found: Comparison) -> list[str]:
    told = []
    if len(found.rows) != len(case["rows"]):
        told.append(f"{len(case['rows'])} rows, they are {[row.name for row in found.rows]}")
    if "unverified" in case and found.is_unverified != case["unverified"]:
        told.append(f"unverified {case['unverified']}, it is {found.is_unverified}")
    for word, wanted in case["rows"].items():
        row = _row(found, word)
        says = [one.said for one in sorted(row.entries, key=lambda one: list(Side).index(one.side))]
        facts = {"group": row.group.value, "kinds": sorted(row.kinds), "maybe": row.maybe, "says": says}
        for name, fact in facts.items():
            expected = sorted(wanted[name]) if name == "kinds" and name in wanted else wanted.get(name, fact)
            told += [] if expected == fact else [f"{word}: {name} {expected}, it is {fact}"]
    decided = {}
    for word, wanted in case.get("decide", {}).items():
        row = _row(found, word)
        decision = _decision(wanted)
        told += _wrong_decision(word, row, decision, wanted)
        if "refused" not in wanted:
            decided[row.id] = decision
    if "left" in case:
        left = left_over(found, decided, kept=True)
        told += [] if len(left) == case["left"] else [f"{case['left']} left, they are {[row.name for row in left]}"]
    return told


def _row(found: Comparison, word: str) -> Row:
    rows = [row for row in found.rows if any(word.casefold() in _names(row, one) for one in range(len(row.entries)))]
    if len(rows) != 1:
        raise ValueError(f"one row with {word}: {[row.name for row in found.rows]}")
    return rows[0]


def _names(row: Row, number: int) -> str:
    one = row.entries[number]
    return " ".join([row.name, one.name, *sorted(one.ingredients)]).casefold()


def _decision(wanted: Line) -> Decision:
    return Decision(
        outcome=Outcome(wanted["outcome"]),
        use=Side(wanted["use"]) if "use" in wanted else None,
        reason=wanted.get("reason", ""),
        until=date.fromisoformat(str(wanted["until"])) if "until" in wanted else None,
        condition=wanted.get("condition", ""),
        owner=wanted.get("owner", ""),
        due=date.fromisoformat(str(wanted["due"])) if "due" in wanted else None,
    )


def _wrong_decision(word: str, row: Row, decision: Decision, wanted: Line) -> list[str]:
    faults = faults_of(row, decision, is_prescriber=False, today=date.fromisoformat(TODAY))
    refused = wanted.get("refused", "")
    if refused:
        is_so = any(refused in one.expected for one in faults)
        return [] if is_so else [f"{word}: refused with {refused}, it is {[one.expected for one in faults]}"]
    told = [f"{word}: can stand, it asks for {one.expected}" for one in faults]
    after = held(row, decision)
    if "change" in wanted and after.change != wanted["change"]:
        told.append(f"{word}: change {wanted['change']}, it is {after.change}")
    if "stops" in wanted and len(after.stops) != wanted["stops"]:
        told.append(f"{word}: stops {wanted['stops']}, it is {[one.name for one in after.stops]}")
    return told
