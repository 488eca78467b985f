"""Rows about one medicine and the person: older people, kidneys, pregnancy, high-alert medicines."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import combinations

from careloop.medications.findings import Kind, NotChecked, Reason, Tier
from careloop.medications.model import Amount, Takes, plain
from careloop.medications.person import Lab
from careloop.medications.rules.compiled import CompiledRow, Safety
from careloop.medications.rules.doses import daily_dose
from careloop.medications.rules.firing import Fired, reason_of
from careloop.medications.rules.situation import Entry, Situation


def for_age(safety: Safety, at: Situation) -> Iterator[Fired]:
    """Beers criteria: from 65 on, not in hospice or at the end of life (B33). Local routes are left out."""
    if any(row.conditions["exempts"](at) for row in safety.beers if "exempts" in row.conditions):
        return
    now = [one for one in at.entries if one.current and one.mask and not one.local]
    for row in safety.beers:
        if "age_from" not in row.row or (at.person.age is not None and at.person.age < int(row.row["age_from"])):
            continue
        if at.person.age is None:
            continue
        if "count" in row.row:
            yield from _counted(row, now, safety, at)
        elif "with" in row.row:
            yield from _paired(row, now, safety, at)
        else:
            yield from _taken(row, now, safety, at)


def _taken(row: CompiledRow, now: Sequence[Entry], safety: Safety, at: Situation) -> Iterator[Fired]:
    for one in now:
        if not one.mask & row.sides["takes"]:
            continue
        here = at.about(one)
        when, unless = row.conditions.get("when"), row.conditions.get("unless")
        if (when is not None and when(here) is False) or (unless is not None and unless(here)):
            continue
        yield from _aged(row, (one,), here, safety)


def _counted(row: CompiledRow, now: Sequence[Entry], safety: Safety, at: Situation) -> Iterator[Fired]:
    """Distinct ingredients of the classes, counted together."""
    members = [one for one in now if one.mask & row.sides["count"]]
    distinct = 0
    for one in members:
        distinct |= one.mask & row.sides["count"]
    if distinct.bit_count() >= int(row.row["count"]["least"]):
        yield from _aged(row, tuple(members), at.about(*members), safety)


def _paired(row: CompiledRow, now: Sequence[Entry], safety: Safety, at: Situation) -> Iterator[Fired]:
    for one, other in combinations(now, 2):
        a, b = row.sides["a"], row.sides["b"]
        if (one.mask & a and other.mask & b) or (one.mask & b and other.mask & a):
            yield from _aged(row, (one, other), at.about(one, other), safety)


def _aged(row: CompiledRow, entries: tuple[Entry, ...], at: Situation, safety: Safety) -> Iterator[Fired]:
    condition = str(row.row["condition"])
    advice = f"{row.row['advice']} in older people"
    kind = Kind.CONDITION if row.row.get("kind") == "condition" else Kind.AGE
    reason = reason_of(
        row, kind, Tier(row.row["severity"]), safety, action=f"{advice}: {condition}" if condition else advice,
        notes=at.notes, facts=at.facts,
    )  # fmt: skip
    if reason is not None:
        yield Fired(entries, reason)


def for_kidneys(safety: Safety, at: Situation) -> Iterator[Fired | NotChecked]:
    """Doses by the newest kidney function; where there is none, or it is old, that is said once for each medicine."""
    for one in at.entries:
        if not one.current or one.local:
            continue
        told = [each for row in safety.renal if one.mask & row.sides["takes"] for each in _limits(row, one, safety, at)]
        fired = [each for each in told if isinstance(each, Fired)]
        yield from fired or told[:1]


def _limits(row: CompiledRow, one: Entry, safety: Safety, at: Situation) -> Iterator[Fired | NotChecked]:
    return _two_of(row, one, safety, at) if "two_of" in row.row else _by_steps(row, one, safety, at)


def _by_steps(row: CompiledRow, one: Entry, safety: Safety, at: Situation) -> Iterator[Fired | NotChecked]:
    test, here = str(row.row["test"]), at.about(one)
    found = at.kidneys.value(test)
    metric = "eGFR" if test == "egfr" or at.kidneys.note(test) else "creatinine clearance"
    if found is None:
        yield _unknown(
            row, one, f"no kidney function on record: {row.row['metric']} {row.row['threshold']} not checked"
        )
        return
    stale = (at.person.today - found.day) > timedelta(days=safety.stale_after_days)
    old = f"stale lab: {metric} of {found.day:%-d %b %Y} is older than 12 months"
    step = next((case for condition, case in row.cases if _within(case, found) and condition(here) is not False), None)
    if step is None:
        if stale:
            yield _unknown(row, one, old)
        return
    notes = [at.kidneys.note(test), *([old] if stale else []), *here.notes]
    reason = reason_of(
        row, Kind.RENAL, Tier(step["severity"]), safety,
        effect=f"{metric} {plain(found.value)} of {found.day:%-d %b %Y}", action=str(step["says"]), notes=notes,
        facts=[f"{test} {plain(found.value)} {found.day.isoformat()}", *here.facts],
    )  # fmt: skip
    if reason is not None:
        yield Fired((one,), reason)


def _within(step: object, found: Lab) -> bool:
    assert isinstance(step, dict)
    below, least, above = (Decimal(step[name]) if name in step else None for name in ("below", "from", "above"))
    if below is not None and found.value >= below:
        return False
    return (least is None or found.value >= least) and (above is None or found.value > above)


def _unknown(row: CompiledRow, one: Entry, why: str) -> NotChecked:
    return NotChecked(reference=one.medicine.reference, text=one.medicine.text, why=why, rule=row.id)


def _two_of(row: CompiledRow, one: Entry, safety: Safety, at: Situation) -> Iterator[Fired | NotChecked]:
    """Apixaban: two of age, weight, creatinine; only for a dose above the reduced one, or an unknown one."""
    ask, person = row.row["two_of"], at.person
    weight, creatinine = person.labs.get("weight"), person.labs.get("creatinine")
    answers = [
        None if person.age is None else person.age >= int(ask["age_from"]),
        None if weight is None else weight.value <= Decimal(ask["weight_at_most"]),
        None if creatinine is None else creatinine.value >= Decimal(ask["creatinine_from"]),
    ]
    name = str(row.row["takes"]).removeprefix("ingredient:")
    dose = daily_dose(one.medicine, name)
    if isinstance(dose, Amount) and dose.value <= Decimal(ask["dose_above"]):
        return
    if answers.count(True) < int(ask["least"]):
        if answers.count(True) + answers.count(None) >= int(ask["least"]):
            yield _unknown(row, one, "weight or creatinine is not on record: the reduced dose was not checked")
        return
    facts = [f"{lab.unit} {plain(lab.value)} {lab.day.isoformat()}" for lab in (weight, creatinine) if lab is not None]
    notes = [] if isinstance(dose, Amount) else ["dose unknown"]
    reason = reason_of(row, Kind.RENAL, Tier(ask["severity"]), safety, effect="two of: age 80 or more, 60 kg or less, "
                       "creatinine 1.5 or more", action=str(ask["says"]), notes=notes, facts=facts)  # fmt: skip
    if reason is not None:
        yield Fired((one,), reason)


def for_pregnancy(safety: Safety, at: Situation) -> Iterator[Fired]:
    """Rows for a person who is known to be pregnant; where the week is not known each speaks, and says so."""
    if not at.person.pregnant:
        return
    for row in safety.pregnancy:
        for one in at.entries:
            if one.current and not one.local and one.mask & row.sides["takes"]:
                reason = _in_week(row, at.about(one), safety)
                if reason is not None:
                    yield Fired((one,), reason)


def _in_week(row: CompiledRow, at: Situation, safety: Safety) -> Reason | None:
    first, last, weeks = row.row.get("from_week"), row.row.get("until_week"), at.person.weeks
    notes = []
    if first is not None or last is not None:
        if weeks is None:
            notes.append("week of pregnancy unknown")
        elif (first is not None and weeks < int(first)) or (last is not None and weeks > int(last)):
            return None
    tier, unless = Tier(row.row["severity"]), row.conditions.get("unless")
    if unless is not None and unless(at):
        tier = Tier(row.row["unless_severity"])
    facts = ["pregnant", *([f"week {weeks}"] if notes == [] and first is not None else [])]
    return reason_of(row, Kind.PREGNANCY, tier, safety, effect="pregnant", action=str(row.row["flag"]), notes=notes,
                     facts=facts)  # fmt: skip


def for_high_alert(safety: Safety, at: Situation) -> Iterator[Fired]:
    """Rows with a stop (methotrexate not weekly) or a limit (morphine equivalents)."""
    now = [one for one in at.entries if one.current and one.mask and not one.local]
    for row in safety.high_alert:
        members = [one for one in now if one.mask & row.sides["members"]]
        if members and "stop" in row.row:
            yield from (fired for one in members if (fired := _stop(row, one, safety, at)) is not None)
        if members and "mme" in row.row:
            yield from _equivalents(row, members, safety, at)


def _stop(row: CompiledRow, one: Entry, safety: Safety, at: Situation) -> Fired | None:
    ask, here, takes = row.row["stop"], at.about(one), one.medicine.takes
    unless = row.conditions.get("stop.unless")
    if unless is not None and unless(here):
        return None
    if isinstance(takes, Takes) and takes.pattern.value in ask["unless_pattern"]:
        return None
    known = isinstance(takes, Takes)
    notes = [] if known else ["how often it is taken is unknown"]
    reason = reason_of(
        row, Kind.HIGH_ALERT, Tier(ask["severity"] if known else ask["unknown_severity"]), safety,
        effect=str(row.row["reason"]), action=str(ask["says"]), notes=notes, facts=[one.medicine.dosage_text],
    )  # fmt: skip
    return Fired((one,), reason) if reason is not None else None


def _equivalents(row: CompiledRow, members: Sequence[Entry], safety: Safety, at: Situation) -> Iterator[Fired]:
    total, unknown = Decimal(0), False
    for one in members:
        for name in one.medicine.key & safety.mme_factors.keys():
            dose = daily_dose(one.medicine, name)
            if isinstance(dose, Amount) and dose.unit == "mg":
                total += dose.value * Decimal(safety.mme_factors[name])
            else:
                unknown = True
    if total < Decimal(row.row["mme"]["from"]) or at.taken & safety.mask_of(["naloxone"]):
        return
    reason = reason_of(
        row, Kind.HIGH_ALERT, Tier(row.row["mme"]["severity"]), safety,
        effect=f"{plain(total)} morphine mg equivalents a day", action=str(row.row["mme"]["says"]),
        notes=["doses of other opioids are unknown"] if unknown else [], facts=[f"mme {plain(total)}"],
    )  # fmt: skip
    if reason is not None:
        yield Fired(tuple(members), reason)


def is_high_alert(safety: Safety, mask: int) -> str:
    """The group of high-alert medicines that it belongs to, empty for none."""
    return next((str(row.row["group"]) for row in safety.high_alert if mask & row.sides["members"]), "")


def what_to_look_at(safety: Safety, mask: int) -> str:
    """What is looked at each time with a high-alert medicine, as its groups say; empty for any other."""
    return "; ".join(str(row.row["extra_check"]) for row in safety.high_alert if mask & row.sides["members"])
