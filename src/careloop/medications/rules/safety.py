"""The check of a list of medicines: all tables, one finding for each matter with its highest tier (ME-09), and what
could not be checked (ME-12). Pure; the same list in any order gives the same findings."""

from collections.abc import Iterator, Sequence

from careloop.medications.findings import Checked, Finding, Kind, NotChecked, digest
from careloop.medications.model import Medicine
from careloop.medications.person import Person
from careloop.medications.rules.allergies import for_allergies
from careloop.medications.rules.compiled import Safety
from careloop.medications.rules.doses import daily_dose
from careloop.medications.rules.duplicates import duplicates
from careloop.medications.rules.firing import Fired
from careloop.medications.rules.kidneys import kidneys_of
from careloop.medications.rules.pairs import interactions
from careloop.medications.rules.singles import for_age, for_high_alert, for_kidneys, for_pregnancy
from careloop.medications.rules.situation import Entry, Situation, entry_of


def check(medicines: Sequence[Medicine], person: Person, safety: Safety) -> Checked:
    """Everything that the tables say about this list on the person's day."""
    ordered = sorted(medicines, key=lambda one: one.reference)
    entries = [one for each in ordered if (one := entry_of(each, safety.mask(each), person.today)) is not None]
    taken = 0
    for one in entries:
        taken |= one.mask if one.current else 0
    at = Situation(person, kidneys_of(person), taken, entries)
    fired: list[Fired] = []
    left: list[NotChecked] = [
        _unmatched(one.medicine) for one in entries if one.current and not one.medicine.is_matched
    ]
    for told in _tables(safety, at):
        if isinstance(told, NotChecked):
            left.append(told)
        else:
            fired.append(told)
    current = sum(one.current for one in entries)
    return Checked(findings=_findings(fired, entries), not_checked=_once(left), checked=current)


def _tables(safety: Safety, at: Situation) -> Iterator[Fired | NotChecked]:
    yield from interactions(safety, at)
    yield from duplicates(safety, at)
    yield from for_allergies(safety, at)
    yield from for_age(safety, at)
    yield from for_kidneys(safety, at)
    yield from for_pregnancy(safety, at)
    yield from for_high_alert(safety, at)


def _unmatched(medicine: Medicine) -> NotChecked:
    known = any(one.known for one in medicine.ingredients)
    why = medicine.doubt or (
        "one of its ingredients is in no table of ours" if known else "the product is not known to us"
    )
    return NotChecked(reference=medicine.reference, text=medicine.text or "a medicine without a name", why=why)


def _once(left: Sequence[NotChecked]) -> tuple[NotChecked, ...]:
    return tuple(sorted(dict.fromkeys(left), key=lambda one: (one.reference, one.rule, one.why)))


def _findings(fired: Sequence[Fired], entries: Sequence[Entry]) -> tuple[Finding, ...]:
    matters: dict[frozenset[frozenset[str]], list[Fired]] = {}
    for one in fired:
        matters.setdefault(frozenset(each.medicine.key for each in one.entries), []).append(one)
    found = [_finding(key, some) for key, some in matters.items()]
    return tuple(sorted(found, key=lambda one: (one.tier.rank, one.key)))


def _finding(matter: frozenset[frozenset[str]], fired: Sequence[Fired]) -> Finding:
    involved = {one.medicine.reference: one.medicine for each in fired for one in each.entries}
    unique = {(one.reason.rule, one.reason.tier, one.reason.action): one.reason for one in fired}
    reasons = sorted(unique.values(), key=lambda one: (one.tier.rank, one.rule))
    reasons = [one for place, one in enumerate(reasons) if one.rule not in {each.rule for each in reasons[:place]}]
    medicines = [involved[reference] for reference in sorted(involved)]
    names = tuple(dict.fromkeys(one.text for one in medicines))
    allergies = sorted(fact for one in reasons if one.kind is Kind.ALLERGY for fact in one.facts)
    key = digest(*sorted("+".join(sorted(one)) for one in matter), *allergies)
    facts = sorted({fact for one in reasons for fact in one.facts})
    return Finding(
        key=key,
        tier=reasons[0].tier,
        implicated=tuple(sorted(involved)),
        medicines=names,
        reasons=tuple(reasons),
        fingerprint=digest(*sorted(set(map(_dose, medicines))), *facts, *(one.rule for one in reasons)),
    )


def _dose(medicine: Medicine) -> str:
    """The drug and its dose as text that changes with them; not the resource, so that a renewal is the same."""
    doses = [f"{one.key} {daily_dose(medicine, one.key)}" for one in medicine.ingredients]
    return "|".join([*doses, medicine.route.value, medicine.release.value])
