"""How rows end (ME-06 to ME-09): what can be chosen, what a choice still needs, what holds from then on. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from careloop.errors import Fault
from careloop.medications.rules.reconciling.doses import more_or_less
from careloop.medications.rules.reconciling.values import Comparison, Entry, Group, Row, Side, Source, State, Tier


class Outcome(StrEnum):
    """How a discrepancy ends (ME-06)."""

    CONTINUE = "continue"
    CHANGE = "change"
    STOP = "stop"
    HOLD = "hold"
    NEW = "new"
    CLARIFY = "clarify"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person decided about a row. `use` is the side whose words hold from now on; `until` or `condition` of a
    hold (ME-08), `owner` and `due` of a question (ME-06)."""

    outcome: Outcome
    use: Side | None = None
    reason: str = ""
    until: date | None = None
    condition: str = ""
    owner: str = ""
    due: date | None = None
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One thing that can be pressed. `key` stands in the form."""

    key: str
    label: str
    outcome: Outcome
    use: Side | None = None


ASK, HOLD, SAME, TWO = "ask", "hold", "one", "two"
KEEP_SAME = "keep"
"""What the one click for all that is the same on both says."""

_USE = {Side.HOSPITAL: "Use hospital", Side.CLINIC: "Use our list", Side.HOME: "Keep home"}
_KEEP = {Side.HOSPITAL: "Use hospital", Side.CLINIC: "Keep our list", Side.HOME: "Keep home"}


def choices_of(row: Row, comparison: Comparison) -> tuple[Choice, ...]:
    """What can be pressed for a row, in the order of the keys 1, 2, 3. The last one asks the doctor. None is chosen
    before a person does (ui.md §7.3)."""
    ask = Choice(key=ASK, label="Ask doctor", outcome=Outcome.CLARIFY)
    if row.maybe:
        same = Choice(key=SAME, label="Same medicine", outcome=Outcome.CONTINUE)
        return same, Choice(key=TWO, label="Two medicines", outcome=Outcome.CONTINUE), ask
    if row.group is Group.ONLY_LEFT:
        start = Choice(key="start", label="Start", outcome=Outcome.NEW, use=comparison.left)
        return start, Choice(key="leave", label="Do not start", outcome=Outcome.STOP), ask
    if row.group is Group.ONLY_RIGHT:
        side = _home_first(row)
        stop = Choice(key="stop", label="Stop", outcome=Outcome.STOP)
        return stop, Choice(key=KEEP_SAME, label="Keep", outcome=Outcome.CONTINUE, use=side), ask
    sides = [side for side in comparison.sides if row.of(side)]
    if len(sides) == 1:
        stop = Choice(key="stop", label="Stop", outcome=Outcome.STOP)
        return Choice(key=KEEP_SAME, label="Keep", outcome=Outcome.CONTINUE, use=sides[0]), stop, ask
    uses = [
        Choice(
            key=f"use-{side.value}",
            label=(_USE if side is comparison.left else _KEEP)[side],
            outcome=Outcome.CHANGE if side is not Side.HOME else Outcome.CONTINUE,
            use=side,
        )
        for side in sides
    ]
    return *uses, ask


def choice_of(row: Row, comparison: Comparison, key: str) -> Choice | None:
    """The choice of that key, also those that stand behind "more"; None where this row has no such choice."""
    more = {HOLD: Choice(key=HOLD, label="Hold", outcome=Outcome.HOLD, use=_home_first(row))}
    if not row.maybe:
        more |= {"stop": Choice(key="stop", label="Stop", outcome=Outcome.STOP)}
        more |= {KEEP_SAME: Choice(key=KEEP_SAME, label="Keep", outcome=Outcome.CONTINUE, use=_home_first(row))}
    found = {one.key: one for one in choices_of(row, comparison)}
    return found.get(key) or more.get(key)


def faults_of(row: Row, decision: Decision, *, is_prescriber: bool, today: date) -> list[Fault]:
    """What a decision still needs; nothing where it can stand.

    ME-09: a contraindicated medicine is kept or started by a prescriber alone; a major warning takes a reason. ME-08: a
    hold takes a date ahead, or a condition. ME-06: a question takes an owner and a day.
    """
    place = f"row-{row.id}"
    faults = []
    if row.maybe and decision.outcome is not Outcome.CLARIFY:
        faults.append(_fault(place, f"whether {row.name} is one medicine or two"))
    if decision.outcome is Outcome.HOLD and decision.until is None and not decision.condition.strip():
        faults.append(_fault(place, f"until when {row.name} is held, or on what condition"))
    if decision.until is not None and decision.until <= today:
        faults.append(_fault(place, f"a day ahead for {row.name}"))
    if decision.outcome is Outcome.CLARIFY and (not decision.owner or decision.due is None):
        faults.append(_fault(place, f"who answers about {row.name}, and by when"))
    if decision.outcome in (Outcome.CONTINUE, Outcome.CHANGE, Outcome.NEW):
        faults += _safe_enough(row, decision, place, is_prescriber=is_prescriber)
    return faults


def _safe_enough(row: Row, decision: Decision, place: str, *, is_prescriber: bool) -> list[Fault]:
    if row.loudest is Tier.CONTRAINDICATED and not is_prescriber:
        return [_fault(place, f"a prescriber who decides about {row.name}: stop it or ask the doctor")]
    if row.loudest in (Tier.CONTRAINDICATED, Tier.MAJOR) and not decision.reason.strip():
        return [_fault(place, f"the reason why {row.name} is taken in spite of the warning")]
    return []


def left_over(comparison: Comparison, decided: Mapping[str, Decision], *, kept: bool) -> tuple[Row, ...]:
    """The rows that nobody settled; those that are the same on both wait for their one click."""
    open_ = [row for row in comparison.differing if row.id not in decided]
    same = [row for row in comparison.rows if not row.needs_decision and row.id not in decided]
    return (*open_, *(() if kept else same))


@dataclass(frozen=True, kw_only=True)
class Held:
    """What holds for one medicine after the reconciliation. `entry` gives the words of how it is taken; `change` says
    what is new about it for whoever takes it: `new`, `more`, `less`, `other`, `stop`, `hold`, `ask` or `keep`;
    `stops` are the products at home that must not be taken any more beside it (worked case 1)."""

    row: Row
    decision: Decision
    entry: Entry
    change: str
    stops: tuple[Entry, ...] = ()

    @property
    def is_taken(self) -> bool:
        """True where it stands on the list of what is taken."""
        return self.change in ("new", "more", "less", "other", "keep")


def held(row: Row, decision: Decision) -> Held:
    """What follows from a decision for its row."""
    entry = _entry(row, decision)
    before = _before(row, entry)
    stops = tuple(
        one for one in row.entries if one.side is Side.HOME and one.state.is_taken and _is_other_product(one, entry)
    )
    return Held(row=row, decision=decision, entry=entry, change=_change(row, decision, entry, before), stops=stops)


def _entry(row: Row, decision: Decision) -> Entry:
    """Whose words hold: those of the side that was chosen; of it the ones that say most."""
    wanted = [one for one in row.entries if one.side is decision.use] if decision.use else []
    found = wanted or _home(row) or list(row.entries)
    return min(found, key=_silence)


def _silence(one: Entry) -> tuple[bool, bool, bool, int, str]:
    return (not one.state.is_taken, one.dosing is None, not one.said, list(Source).index(one.source), one.reference)


def _before(row: Row, entry: Entry) -> Entry | None:
    """What was taken until now: what is told from home, else what our list said."""
    taken = [one for one in row.entries if one.state.is_taken and one.side is not Side.HOSPITAL and one is not entry]
    home = [one for one in taken if one.side is Side.HOME]
    return min(home or taken, key=_silence, default=None)


def _change(row: Row, decision: Decision, entry: Entry, before: Entry | None) -> str:
    plain = {Outcome.STOP: "stop", Outcome.HOLD: "hold", Outcome.CLARIFY: "ask", Outcome.NEW: "new"}
    if decision.outcome in plain:
        return plain[decision.outcome]
    if not entry.state.is_taken and entry.state is not State.UNKNOWN:
        return "hold" if entry.state is State.ON_HOLD else "stop"
    at_home = [one for one in row.entries if one.side is Side.HOME and one.state.is_taken]
    if any(one.said == entry.said and one.dosing == entry.dosing for one in at_home) and not _other(at_home, entry):
        return "keep"
    if before is None:
        return "new" if entry.side is Side.HOSPITAL else "keep"
    if before.dosing is None or entry.dosing is None:
        return "keep" if before.said == entry.said else "other"
    way = more_or_less(before.dosing, entry.dosing)
    if way:
        return "more" if way > 0 else "less"
    return "other" if before.dosing != entry.dosing or _is_other_product(before, entry) else "keep"


def _other(entries: Sequence[Entry], entry: Entry) -> bool:
    return any(_is_other_product(one, entry) for one in entries)


def _is_other_product(one: Entry, other: Entry) -> bool:
    """Another making of the ingredient: release or route differ."""
    release = bool(one.release and other.release and one.release != other.release)
    return release or bool(one.route and other.route and one.route != other.route)


def _home(row: Row) -> list[Entry]:
    return [one for one in row.entries if one.side is Side.HOME]


def _home_first(row: Row) -> Side | None:
    for side in (Side.HOME, Side.CLINIC, Side.HOSPITAL):
        if row.of(side):
            return side
    return None


def _fault(at: str, expected: str) -> Fault:
    return Fault(at=at, expected=expected, code="required")
