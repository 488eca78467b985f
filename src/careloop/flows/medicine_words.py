"""A reconciliation in words for colleagues: questions, facts, the note for the pharmacy. Pure."""

from collections.abc import Sequence
from datetime import date

from careloop.medications.rules.reconciling.outcomes import Held
from careloop.medications.rules.reconciling.values import Entry, Row, Side
from careloop.medications.rules.reconciling.words import SIDES, SOURCES

CHANGES = {
    "new": "New",
    "more": "More",
    "less": "Less",
    "other": "Changed",
    "stop": "Stop",
    "hold": "Hold",
    "ask": "To clarify",
    "keep": "As before",
}
"""What a medicine's change is called."""


def day(one: date) -> str:
    """`20 Nov 2026`."""
    return f"{one.day} {one:%b} {one.year}"


def change_line(one: Held) -> str:
    """`More: furosemide 40 mg, twice a day (was 20 mg, once a day)`."""
    name = one.row.name[:1].lower() + one.row.name[1:]
    before = next((each for each in one.row.entries if _was(each, one)), None)
    was = f" (was {before.said})" if before is not None and before.said and before.said != one.entry.said else ""
    if one.change == "stop":
        said = f"{name}{_how(one.entry)}"
    elif one.change == "hold":
        until = f" until {day(one.decision.until)}" if one.decision.until else f" until {one.decision.condition}"
        said = f"{name}{_how(one.entry)}{until}"
    else:
        said = f"{name}{_how(one.entry)}{was}"
    old = "".join(f"; stop the old {each.name}" for each in one.stops) if one.is_taken else ""
    return f"{CHANGES[one.change]}: {said}{old}"


def changes_in_a_line(some: Sequence[Held]) -> str:
    """All changes, one after the other."""
    return ". ".join(change_line(one) for one in some) + "."


def facts(some: Sequence[Held], *, most: int, longest: int) -> list[str]:
    """At most so many lines with every change in them; the loudest first."""
    lines = [change_line(one) for one in some]
    if len(lines) <= most:
        return [one[:longest] for one in lines]
    size = -(-len(lines) // most)
    return ["; ".join(lines[start : start + size])[:longest] for start in range(0, len(lines), size)]


def question(one: Held, patient: str) -> str:
    """What a doctor is asked about one medicine, as a question of at most 300 letters."""
    said = {entry.side: entry for entry in one.row.entries}
    hospital = said.get(Side.HOSPITAL)
    if hospital is not None and len(said) == 1:
        text = f"Should {patient} start {one.row.name}{_how(hospital)}?"
    elif hospital is None or hospital.state.is_resting:
        text = f"Should {patient} stop {one.row.name}{_how(one.entry)}?"
    else:
        text = f"Should {patient} take {one.row.name} as the hospital says{_how(hospital)}?"
    return text if len(text) <= 300 else text[:296].rstrip(" ?,") + "…?"


def sides_in_lines(row: Row) -> list[str]:
    """What each list says."""
    lines = []
    for side in Side:
        some = row.of(side)
        if some:
            said = "; ".join(f"{entry.name} {_state(entry)}".strip() + f" ({SOURCES[entry.source]})" for entry in some)
            lines.append(f"{SIDES[side]}: {said}")
    return lines


def _state(entry: Entry) -> str:
    words = {"stopped": "stopped", "not-taken": "not taken", "on-hold": "on hold"}
    return words.get(entry.state.value, entry.said)


def _how(entry: Entry) -> str:
    return f" {entry.said}" if entry.said else ""


def _was(entry: Entry, one: Held) -> bool:
    return entry is not one.entry and entry.state.is_taken and entry.side is not Side.HOSPITAL
