"""LACE and HOSPITAL at a discharge, from the record (transitions.md §5), and the tier that follows (TR-31).

What the record cannot tell is unknown, never zero: the score then has a range and no value. All tables, points and
codes come from `content/risk`. A score uses only what was known at the discharge, so that it does not move later.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from careloop.loops.facts.model import Lab, PatientFacts, Stay
from careloop.loops.model import Score, ScorePart, Tier
from careloop.loops.rules.calendar import local_date, months_before, start_of
from careloop.loops.rules.comorbidity import Group, groups_found
from careloop.loops.rules.opening import EMERGENCY, INPATIENT
from careloop.loops.rules.pathways import Pathways
from careloop.loops.rules.stays import Chain

Table = Mapping[str, Any]


def scores_of(chain: Chain, facts: PatientFacts, pathways: Pathways, hospital_version: str) -> tuple[Score, ...]:
    """LACE and the chosen HOSPITAL version for the stay that ends with `chain`."""
    found: list[Score] = []
    if "lace" in pathways.risk:
        found.append(lace(chain, facts, pathways.risk["lace"]))
    model = pathways.risk.get(f"hospital-{hospital_version}")
    if model is not None:
        found.append(hospital(chain, facts, model))
    return tuple(found)


def tier_of(scores: Sequence[Score]) -> tuple[Tier, str]:
    """High when a score is in its high band, or cannot be known (interface.md §4), with the reason in words."""
    high = [score for score in scores if score.low >= score.high_from]
    if high:
        return Tier.HIGH, f"{_title(high[0])}, {high[0].high_from} or more is high"
    known = [score for score in scores if score.value is not None]
    if not known:
        return Tier.HIGH, "high until a score can be computed: " + "; ".join(_title(score) for score in scores)
    possible = [score for score in scores if score.value is None and score.high >= score.high_from]
    if possible:
        return Tier.HIGH, f"high until it is known: {_title(possible[0])}"
    return Tier.STANDARD, " and ".join(_title(score) for score in scores)


def _title(score: Score) -> str:
    name = score.model.upper()
    return f"{name} {score.value}" if score.value is not None else f"{name} {score.unknown}"


def banded(points: Sequence[Table], value: int) -> int:
    """The points of the band that holds `value`; a band without `to` has no upper end."""
    for band in points:
        if band["from"] <= value and value <= band.get("to", value):
            return int(band["points"])
    return 0


def lace_points(table: Table, *, midnights: int, acute: bool, comorbidity: int, ed_visits: int) -> int:
    """LACE from its four plain numbers (van Walraven 2010). `comorbidity` is the sum of the LACE weights."""
    return (
        banded(table["length_of_stay"], midnights)
        + (int(table["acute_admission"]["points"]) if acute else 0)
        + banded(table["comorbidity"], comorbidity)
        + banded(table["emergency_visits"], ed_visits)
    )


def lace(chain: Chain, facts: PatientFacts, model: Table) -> Score:
    """LACE: midnights in hospital, acute admission, comorbidity, ED visits in the 6 months before."""
    parts = (
        _length_of_stay(chain, facts.zone, model["length_of_stay"]),
        _acute(chain, model["acute_admission"]),
        _comorbidity(chain, facts, model),
        _emergency_visits(chain, facts, model),
    )
    return _score(model, parts)


def _score(model: Table, parts: tuple[ScorePart, ...]) -> Score:
    low, high = sum(part.low for part in parts), sum(part.high for part in parts)
    known = low == high
    return Score(
        model=model["model"],
        version=str(model["version"]),
        value=low if known else None,
        low=low,
        high=high,
        high_from=model["high_from"],
        band=_band(model, low) if known else None,
        parts=parts,
    )


def _band(model: Table, value: int) -> str | None:
    return next((band["name"] for band in model["bands"] if band["from"] <= value <= band["to"]), None)


def _part(item: str, points: int, says: str, sources: Sequence[str] = ()) -> ScorePart:
    return ScorePart(item=item, low=points, high=points, says=says, sources=tuple(sources))


def _unknown(item: str, high: int, says: str) -> ScorePart:
    return ScorePart(item=item, low=0, high=high, says=says)


def _most(bands: Sequence[Table]) -> int:
    return max(int(band["points"]) for band in bands)


def _length_of_stay(chain: Chain, zone: str, bands: Sequence[Table]) -> ScorePart:
    nights = midnights(chain, zone)
    if nights is None:
        return _unknown("length-of-stay", _most(bands), "time of admission unknown")
    return _part("length-of-stay", banded(bands, nights), f"{nights} midnights in hospital", chain.references)


def midnights(chain: Chain, zone: str) -> int | None:
    """Length of stay: discharge date minus admit date where the patient lives; None while a date is unknown."""
    if chain.admitted is None or chain.left is None:
        return None
    return (local_date(chain.left, zone) - local_date(chain.admitted, zone)).days


def _acute(chain: Chain, table: Table) -> ScorePart:
    points, first = int(table["points"]), chain.first
    acute = is_acute(chain, table)
    if acute is None:
        return _unknown("acute-admission", points, "kind of admission not recorded")
    says = "urgent or emergency admission" if acute else "elective admission"
    return _part("acute-admission", points if acute else 0, says, [first.reference])


def is_acute(chain: Chain, table: Table) -> bool | None:
    """True for an emergency or urgent admission, None when the record does not say."""
    stay = chain.first
    if chain.before or stay.ever(EMERGENCY):
        return True
    if stay.priority is not None:
        return stay.priority in table["priorities"] if stay.priority not in table["unknown_priorities"] else None
    if stay.admit_source in table["admit_sources"]:
        return True
    return None


def _comorbidity(chain: Chain, facts: PatientFacts, model: Table) -> ScorePart:
    problems = problems_at(chain, facts)
    if not problems:
        return _unknown("comorbidity", _most(model["comorbidity"]), "no diagnoses recorded")
    groups = groups_found(model["comorbidity_groups"], problems, weight="points")
    total = sum(group.points for group in groups)
    sources = [source for group in groups for source in group.sources]
    return _part("comorbidity", banded(model["comorbidity"], total), _group_words(groups), sources)


def _group_words(groups: Sequence[Group]) -> str:
    return ", ".join(f"{group.label} {group.points}" for group in groups) or "none of the counted conditions"


def problems_at(chain: Chain, facts: PatientFacts) -> list[tuple[str, frozenset[str]]]:
    """Diagnoses known by the end of the stay: the problem list until then, and the stay's own."""
    left = chain.left
    listed = [
        (problem.reference, problem.codes)
        for problem in facts.problems
        if problem.since is None or left is None or problem.since <= left or problem.encounter in chain.things
    ]
    return listed + [(stay.reference, stay.diagnoses) for stay in chain.stays if stay.diagnoses]


def _emergency_visits(chain: Chain, facts: PatientFacts, model: Table) -> ScorePart:
    bands = model["emergency_visits"]
    if chain.arrived is None:
        return _unknown("emergency-visits", _most(bands), "time of admission unknown")
    day = local_date(chain.arrived, facts.zone)
    since = start_of(months_before(day, model["look_back_months"]), facts.zone)
    visits = [stay for stay in _emergencies(facts, since, chain.arrived) if stay.id not in chain.ids]
    says = f"{len(visits)} emergency visits in the {model['look_back_months']} months before"
    return _part("emergency-visits", banded(bands, len(visits)), says, [stay.reference for stay in visits])


def _emergencies(facts: PatientFacts, since: datetime, before: datetime) -> list[Stay]:
    """Emergency visits that began in the interval."""
    return [
        stay
        for stay in facts.standing_stays
        if (start := stay.started_as(EMERGENCY)) is not None and since <= start < before
    ]


def hospital_points(table: Table, *, admissions: int, los: int, flags: Mapping[str, bool]) -> int:
    """HOSPITAL from plain values. `flags` are the yes/no items by their names in the table."""
    yes = sum(int(item["points"]) for name, item in table["items"].items() if flags.get(name, False))
    return yes + banded(table["admissions"], admissions) + banded(table["length_of_stay"], los)


def hospital(chain: Chain, facts: PatientFacts, model: Table) -> Score:
    """HOSPITAL score in the version of `model` (Donzé 2013, 2016)."""
    items = model["items"]
    parts = (
        _lab("haemoglobin", items["hemoglobin_below"], chain, facts),
        _oncology(chain, items["oncology_service"]),
        _lab("sodium", items["sodium_below"], chain, facts),
        _procedure(chain, facts, items["procedure"]),
        _index_type(chain, items["non_elective"]),
        _prior_admissions(chain, facts, model),
        _length_of_stay(chain, facts.zone, model["length_of_stay"]),
    )
    return _score(model, parts)


def _lab(name: str, item: Table, chain: Chain, facts: PatientFacts) -> ScorePart:
    points, last = int(item["points"]), _last_lab(item, chain, facts)
    value = None if last is None else _in_unit(last, item)
    if last is None or value is None:
        return _unknown(name, points, f"no {name} during the stay")
    below = value < Decimal(str(item["below"]))
    return _part(name, points if below else 0, f"last {name} {value} {item['unit']}", [last.reference])


def _last_lab(item: Table, chain: Chain, facts: PatientFacts) -> Lab | None:
    if chain.left is None or chain.arrived is None:
        return None
    codes = frozenset(item["loinc"])
    labs = [lab for lab in facts.labs if lab.codes & codes and chain.arrived <= lab.at <= chain.left]
    return max(labs, key=lambda lab: (lab.at, lab.reference), default=None)


def _in_unit(lab: Lab, item: Table) -> Decimal | None:
    """The value in the unit of the table; None where the unit is not one of those listed."""
    factor = item["units"].get(lab.unit or "")
    return None if factor is None or lab.value is None else lab.value * Decimal(str(factor))


def _oncology(chain: Chain, item: Table) -> ScorePart:
    service, points = chain.last.service, int(item["points"])
    if service is None:
        return _unknown("oncology", points, "hospital service not recorded")
    yes = any(word in service.casefold() for word in item["words"]) or service.upper() in item["codes"]
    return _part("oncology", points if yes else 0, f"service {service}", [chain.last.reference])


def _procedure(chain: Chain, facts: PatientFacts, item: Table) -> ScorePart:
    """Any *coded* procedure during the stay: none coded is zero, by the definition of the item."""
    done = [
        fact.reference
        for fact in facts.facts
        if fact.resource_type == "Procedure" and fact.status == "completed" and fact.codes and chain.holds(fact)
    ]
    return _part("procedure", int(item["points"]) if done else 0, f"{len(done)} procedures in the stay", sorted(done))


def _index_type(chain: Chain, item: Table) -> ScorePart:
    points, acute = int(item["points"]), is_acute(chain, item)
    if acute is None:
        return _unknown("index-type", points, "kind of admission not recorded")
    says = "not elective" if acute else "elective"
    return _part("index-type", points if acute else 0, says, [chain.first.reference])


def _prior_admissions(chain: Chain, facts: PatientFacts, model: Table) -> ScorePart:
    bands = model["admissions"]
    if chain.arrived is None:
        return _unknown("admissions", _most(bands), "time of admission unknown")
    day = local_date(chain.arrived, facts.zone)
    since = start_of(months_before(day, 12), facts.zone)
    prior = [
        stay
        for stay in facts.standing_stays
        if (start := stay.started_as(INPATIENT)) is not None and since <= start < chain.arrived
        if stay.id not in chain.ids
    ]
    says = f"{len(prior)} admissions in the 12 months before"
    return _part("admissions", banded(bands, len(prior)), says, [stay.reference for stay in prior])
