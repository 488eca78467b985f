"""Interactions (domain, medications.md section 2, ME-10): which rows fire for which two medicines."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from careloop.medications.findings import Kind, Reason, Tier
from careloop.medications.rules.compiled import CompiledRow, Safety
from careloop.medications.rules.firing import Fired, reason_of
from careloop.medications.rules.situation import Entry, Situation

_RAISES = frozenset({"raise"})


def interactions(safety: Safety, at: Situation) -> Iterator[Fired]:
    """Every row that fires, once for each two medicines, in either order of its sides."""
    pool = [one for one in at.entries if one.mask]
    union = 0
    for one in pool:
        union |= one.mask
    for row in safety.interactions:
        a, b = _narrowed(row)
        if union & a and union & b:
            yield from _row(row, a, b, pool, safety, at)


def _narrowed(row: CompiledRow) -> tuple[int, int]:
    a, b = row.sides["a"], row.sides["b"]
    return a & row.sides.get("only_a", a), b & ~row.sides.get("except_b", 0)


def _row(row: CompiledRow, a: int, b: int, pool: Sequence[Entry], safety: Safety, at: Situation) -> Iterator[Fired]:
    left, right = [one for one in pool if one.mask & a], [one for one in pool if one.mask & b]
    told: set[tuple[int, int]] = set()
    for one in left:
        for other in right:
            pair = (min(id(one), id(other)), max(id(one), id(other)))
            if one is other or pair in told or not _are_two(row, one.mask & a, other.mask & b):
                continue
            if _counts(one, safety) and _counts(other, safety) and _together(one, a, other, b, safety, at.person.today):
                told.add(pair)
                reason = _reason(row, at.about(one, other), safety)
                if reason is not None:
                    yield Fired((one, other), reason)


def _are_two(row: CompiledRow, left: int, right: int) -> bool:
    """Two different ingredients; of two different classes where the row says so."""
    if not row.row.get("across_classes"):
        return (left | right).bit_count() > 1
    return any(
        left & mine and right & theirs
        for place, mine in enumerate(row.alternatives)
        for other, theirs in enumerate(row.alternatives)
        if place != other
    )


def _counts(one: Entry, safety: Safety) -> bool:
    """Topical, ophthalmic and otic forms are left out, but for ophthalmic beta blockers."""
    return not one.local or (one.ophthalmic and bool(one.mask & safety.beta_blockers))


def _together(one: Entry, a: int, other: Entry, b: int, safety: Safety, today: date) -> bool:
    """On the list on any common day from today on, with the washout of what was stopped (ME-10). `a` and `b` are the
    sides of the row: the washout of one ingredient says nothing about another of the same product."""
    if not (one.current or other.current):
        return False
    return _lasts(one, one.mask & a, other, other.mask & b, safety, today) and _lasts(
        other, other.mask & b, one, one.mask & a, safety, today
    )


def _lasts(one: Entry, mine: int, other: Entry, theirs: int, safety: Safety, today: date) -> bool:
    """`one` still counts when `other` begins, or today if that is later."""
    begins = max(other.start, today)
    if one.current and one.end >= begins:
        return True
    days = [int(row.row["days"]) for row in safety.washouts if mine & row.sides["of"] and theirs & row.sides["against"]]
    return bool(days) and one.end + timedelta(days=max(days)) > begins


def _reason(row: CompiledRow, at: Situation, safety: Safety) -> Reason | None:
    tier, note = str(row.row["severity"]), ""
    for condition, case in row.cases:
        holds = condition(at)
        if holds or (holds is None and case["effect"] in _RAISES):
            tier, note = str(case["severity"]), str(case["says"])
            break
    if tier == "none":
        return None
    said: Mapping[str, str] = {"note": str(row.row.get("note", ""))}
    notes = [*([note] if note else []), *at.notes, *([said["note"]] if said["note"] and not note else [])]
    stopped = [one.medicine.text for one in at.involved if not one.current]
    notes += [f"{name} was stopped, but still counts for a time" for name in stopped]
    ends = [one.end for one in at.involved if at.person.today <= one.end < date.max]
    bridged = min(ends, default=None) if "bridge" in note else None
    return reason_of(row, Kind.INTERACTION, Tier(tier), safety, notes=notes, facts=at.facts, review_on=bridged)
