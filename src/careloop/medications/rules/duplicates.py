"""Duplicate therapy (ME-04 `duplicate`): too many of one class, one ingredient twice, too much of one in a day.

The same medicine on two lists (same ingredients, strength, form of release and way of taking it) is one, not two.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations

from careloop.medications.findings import Kind, Reason, Tier
from careloop.medications.model import Amount, Takes, Unknown, plain
from careloop.medications.rules.compiled import CompiledRow, Safety
from careloop.medications.rules.doses import daily_dose
from careloop.medications.rules.firing import Fired, reason_of
from careloop.medications.rules.situation import Entry, Situation, is_long_acting


def duplicates(safety: Safety, at: Situation) -> Iterator[Fired]:
    """Every row that fires about medicines that are taken now."""
    now = one_of_each([one for one in at.entries if one.current and one.mask])
    for row in safety.duplicates:
        by = row.row.get("by")
        if by == "ingredient":
            yield from _same_ingredient(row, now, safety, at)
        elif by == "daily-dose":
            yield from _too_much(row, now, safety, at)
        else:
            yield from _same_class(row, now, safety, at)


def one_of_each(entries: Sequence[Entry]) -> list[Entry]:
    """One entry for each medicine that stands on several lists in the same words."""
    found: dict[object, Entry] = {}
    for one in entries:
        found.setdefault(_sameness(one), one)
    return list(found.values())


def _sameness(one: Entry) -> object:
    medicine = one.medicine
    doses = tuple(str(daily_dose(medicine, each.key)) for each in medicine.ingredients)
    return medicine.key, medicine.strengths, medicine.release, medicine.route, doses


def _same_class(row: CompiledRow, now: Sequence[Entry], safety: Safety, at: Situation) -> Iterator[Fired]:
    """Two distinct ingredients of the class, or of one part of it (`within`), at the same time."""
    inside = row.alternatives if row.row.get("within") else (row.sides["class"],)
    for mask in inside:
        members = [one for one in now if one.mask & mask]
        for one, other in combinations(members, 2):
            if ((one.mask | other.mask) & mask).bit_count() < 2 or one.mask & mask == other.mask & mask:
                continue
            if row.row.get("across_classes") and not _across(row, one.mask, other.mask):
                continue
            if not _overlap(one, other):
                continue
            reason = _class_reason(row, one, other, safety, at)
            if reason is not None:
                yield Fired((one, other), reason)


def _across(row: CompiledRow, left: int, right: int) -> bool:
    pairs = [(mine, theirs) for mine in row.alternatives for theirs in row.alternatives if mine != theirs]
    return any(left & mine and right & theirs for mine, theirs in pairs)


def _overlap(one: Entry, other: Entry) -> bool:
    return one.start <= other.end and other.start <= one.end


def _class_reason(row: CompiledRow, one: Entry, other: Entry, safety: Safety, at: Situation) -> Reason | None:
    here, tier = at.about(one, other), Tier(row.row["severity"])
    if one.local or other.local:
        local = row.row.get("local_routes")
        if local is None or not (one.ophthalmic or other.ophthalmic):
            return None
        tier = Tier(local)
    allowed = row.conditions.get("allowed")
    notes, ends = [], None
    if allowed is not None and allowed(here):
        if "allowed_severity" not in row.row:
            return None
        tier, notes = Tier(row.row["allowed_severity"]), ["documented with an end date"]
        ends = min((each.end for each in (one, other) if each.end < date.max), default=None)
    said = str(row.row["class"]).replace("_", " ").replace("+", ", ")
    allowed_reason = str(row.row.get("allowed_reason", ""))
    hint = [f"allowed: {allowed_reason}"] if allowed_reason and not notes else []
    return reason_of(
        row, Kind.DUPLICATE, tier, safety, effect=f"two medicines of one kind ({said})",
        action="stop one, or say why both are needed", notes=[*notes, *hint], facts=here.facts, review_on=ends,
    )  # fmt: skip


def _same_ingredient(row: CompiledRow, now: Sequence[Entry], safety: Safety, at: Situation) -> Iterator[Fired]:
    summed = {str(one.row["of"]).removeprefix("ingredient:") for one in safety.duplicates if "mg_per_day" in one.row}
    leave = safety.mask_of(summed)
    for one, other in combinations([each for each in now if not each.local], 2):
        shared = one.mask & other.mask & ~leave
        if not shared or not _overlap(one, other) or _built_together(one, other) or _long_and_short(one, other):
            continue
        names = [name for name in sorted(one.medicine.key & other.medicine.key) if safety.bits.get(name, 0) & shared]
        reason = reason_of(
            row, Kind.DUPLICATE, Tier(row.row["severity"]), safety,
            effect=f"{' and '.join(names)} twice, as different products",
            action="say which one is taken, and stop the other", facts=at.about(one, other).facts,
        )  # fmt: skip
        if reason is not None:
            yield Fired((one, other), reason)


def _built_together(one: Entry, other: Entry) -> bool:
    """Different strengths of one product that one prescriber wrote to build one dose: taken at the same times."""
    mine, theirs = one.medicine, other.medicine
    same_list = (mine.origin, mine.source) == (theirs.origin, theirs.source)
    takes = mine.takes
    alike = mine.key == theirs.key and mine.release == theirs.release and mine.route == theirs.route
    return (
        same_list
        and alike
        and mine.strengths != theirs.strengths
        and isinstance(takes, Takes)
        and takes == theirs.takes
    )


def _long_and_short(one: Entry, other: Entry) -> bool:
    lasting = [each for each in (one, other) if is_long_acting(each.medicine) and not each.medicine.as_needed]
    short = [each for each in (one, other) if each.medicine.as_needed and not is_long_acting(each.medicine)]
    return len(lasting) == 1 == len(short)


def _too_much(row: CompiledRow, now: Sequence[Entry], safety: Safety, at: Situation) -> Iterator[Fired]:
    """The sum over all products is above the most for a day (DT22); unknown doses of two products are said."""
    name = str(row.row["of"]).removeprefix("ingredient:")
    holding = [one for one in now if one.mask & safety.bits.get(name, 0) and not one.local]
    if not holding:
        return
    here = at.about(*holding)
    lower = row.conditions["lower_when"](here)
    most = Decimal(row.row["mg_per_day"] if lower is False else row.row["lower_mg_per_day"])
    doses = [daily_dose(one.medicine, name) for one in holding]
    known = [one for one in doses if isinstance(one, Amount) and one.unit == "mg"]
    total = sum((one.value for one in known), Decimal(0))
    unknown = [one for one in doses if isinstance(one, Unknown)]
    if total <= most and not (unknown and len(holding) > 1):
        return
    notes = ["dose unknown"] if unknown else []
    reason = reason_of(
        row, Kind.DUPLICATE, Tier(row.row["severity"]), safety,
        effect=f"{plain(total)} mg of {name} a day in all products" + (" that state a dose" if unknown else ""),
        action=f"at most {plain(most)} mg a day", notes=notes, facts=[f"{name} {plain(total)} mg a day"],
    )  # fmt: skip
    if reason is not None:
        yield Fired(tuple(holding), reason)
