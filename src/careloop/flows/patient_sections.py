"""The whole person in sections: each matter as one line with its value, source, age and who still has to know. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from careloop.flows.patient_facts import Chart, document_title
from careloop.flows.patient_values import FactRow, Section, SourceChip, SourceLine
from careloop.longitudinal import Fact, Longitudinal, Matter, Source
from careloop.longitudinal.rules.ages import age_words, date_words, months_old
from careloop.longitudinal.rules.keys import value_key
from careloop.longitudinal.rules.paths import codes_of, first, walk, words_of
from careloop.longitudinal.rules.saying import name_of, status_of, value_of

Resource = Mapping[str, Any]


_SCORE = "urn:careloop:score"
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_NEEDS = tuple(f"Z{number}" for number in range(55, 66))
_TITLES = (
    ("problems", "Problems", "No problems on record."),
    ("medicines", "Medicines", "No medicines on record."),
    ("allergies", "Allergies", "Nobody has asked about allergies."),
    ("results", "Results and measurements", "No results on record."),
    ("immunizations", "Immunizations", "No immunizations on record."),
    ("procedures", "Procedures", "No procedures on record."),
    ("visits", "Visits and stays", "No visits on record."),
    ("documents", "Documents", "No documents on record."),
    ("wishes", "Wishes and consents", "No wishes or consents on record."),
    ("needs", "Needs", "No needs on record."),
)


def sections_of(chart: Chart, content: Longitudinal, zone: ZoneInfo, *, with_past: bool = True) -> tuple[Section, ...]:
    """Every section, also the empty ones, each line once; without earlier results where `with_past` is false."""
    maker = _Maker(chart, content, zone)
    rows: dict[str, list[FactRow]] = {key: [] for key, _, _ in _TITLES}
    for key, matter in chart.once("sections", lambda: _placed(chart)):
        rows[key].append(maker.row(matter))
    rows["results"] = maker.results(chart.once("results", maker.by_test), with_past=with_past)
    return tuple(_section(key, title, empty, rows[key]) for key, title, empty in _TITLES)


def _placed(chart: Chart) -> list[tuple[str, Matter]]:
    """Each matter with the section that it stands in; those of no section and results (`by_test`) are left out."""
    placed = [(_section_of(matter), matter) for matter in chart.matters]
    return [(key, matter) for key, matter in placed if key not in ("", "results")]


def row_of(matter: Matter, chart: Chart, content: Longitudinal, zone: ZoneInfo) -> FactRow:
    """The line of one matter."""
    return _Maker(chart, content, zone).row(matter)


def results_by_test(chart: Chart, content: Longitudinal, zone: ZoneInfo) -> list[list[Matter]]:
    """The results and measurements of each test, newest first, the tests in the order in which the chart has them."""
    return chart.once("results", _Maker(chart, content, zone).by_test)


def scores_by_test(chart: Chart) -> list[list[Matter]]:
    """Scores that came of forms and rules, each kind newest first."""

    def make() -> list[list[Matter]]:
        found: dict[str, list[Matter]] = {}
        for matter in chart.matters:
            if matter.shown.type == "Observation" and _SCORE in walk(matter.shown.resource, "code.coding.system"):
                found.setdefault(min(codes_of(matter.shown.resource.get("code")), default=""), []).append(matter)
        return [sorted(some, key=_by_time, reverse=True) for some in found.values()]

    return chart.once("scores", make)


def _by_time(matter: Matter) -> tuple[str, str]:
    return str(first(matter.shown.resource, ("effectiveDateTime", "issued")) or ""), matter.shown.id


def needs_of(chart: Chart) -> list[Matter]:
    """The needs that stand."""
    placed = chart.once("sections", lambda: _placed(chart))
    return [one for key, one in placed if key == "needs" and any(_is_current(fact) for fact in one.facts)]


def name_of_fact(fact: Fact) -> str:
    """What the line of a fact is called."""
    return _name(fact)


def detail_of(resource: Resource) -> str:
    """What stands beside the name: a dose, a reaction, since when, where."""
    return _DETAILS.get(str(resource["resourceType"]), _nothing)(resource)


def by_source(sections: Sequence[Section], key: str) -> tuple[Section, ...]:
    """Only the lines that this source told, alone or with others."""

    def keep(rows: Iterable[FactRow]) -> tuple[FactRow, ...]:
        return tuple(row for row in rows if any(source.key == key for source in row.sources))

    return tuple(replace(section, rows=keep(section.rows), past=keep(section.past)) for section in sections)


def source_chips(sections: Sequence[Section]) -> tuple[SourceChip, ...]:
    """The sources of all lines, the one with most lines first."""
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for section in sections:
        for row in (*section.rows, *section.past):
            for source in row.sources:
                names[source.key] = source.name
                counts[source.key] = counts.get(source.key, 0) + 1
    ordered = sorted(counts, key=lambda key: (-counts[key], names[key]))
    return tuple(SourceChip(key=key, name=names[key], count=counts[key]) for key in ordered)


def _section_of(matter: Matter) -> str:
    fact = matter.shown
    if fact.type == "Condition" and _is_need(fact.resource):
        return "needs"
    if fact.type == "Observation" and (
        _SCORE in walk(fact.resource, "code.coding.system") or not value_of(fact.resource)
    ):
        return ""
    return _SECTION.get(fact.type, "")


_SECTION = {
    "Condition": "problems",
    "MedicationRequest": "medicines",
    "MedicationStatement": "medicines",
    "AllergyIntolerance": "allergies",
    "Observation": "results",
    "Immunization": "immunizations",
    "Procedure": "procedures",
    "Encounter": "visits",
    "DocumentReference": "documents",
    "Consent": "wishes",
}
_BY_DATE = frozenset({"immunizations", "procedures", "visits", "documents", "wishes"})


def _is_need(condition: Resource) -> bool:
    return any(str(code).startswith(_NEEDS) for code in walk(condition, "code.coding.code"))


def _section(key: str, title: str, empty: str, rows: Sequence[FactRow]) -> Section:
    if key in _BY_DATE:
        ordered = sorted(rows, key=lambda row: (row.order, row.name), reverse=True)
    else:
        ordered = sorted(rows, key=lambda row: (row.name.lower(), row.order))
    current = tuple(row for row in ordered if row.is_current)
    past = tuple(row for row in ordered if not row.is_current)
    return Section(key=key, title=title, empty=empty, rows=current, past=past)


class _Maker:
    """Lines of one chart."""

    def __init__(self, chart: Chart, content: Longitudinal, zone: ZoneInfo) -> None:
        self._chart, self._content, self._zone = chart, content, zone

    def row(self, matter: Matter, *, is_current: bool | None = None) -> FactRow:
        """The line of a matter."""
        fact = matter.shown
        said = self._said(fact)
        statuses = {status_of(one.resource) for one in matter.facts} - {""}
        return FactRow(
            type=fact.type,
            id=fact.id,
            name=_name(fact),
            detail=_DETAILS.get(fact.type, _nothing)(fact.resource),
            status=status_of(fact.resource),
            dated=date_words(said, self._zone),
            age=age_words(said, self._chart.now, self._zone),
            stale=self._stale(fact, said),
            sources=tuple(self._line(source) for source in matter.sources),
            knows=self._chart.ledger.of(matter.facts),
            facts=len(matter.facts),
            is_current=any(_is_current(one) for one in matter.facts) if is_current is None else is_current,
            differs=len(statuses) > 1 and fact.type in _HAS_STATUS,
            document_id=fact.id if fact.type == "DocumentReference" else "",
            order=said,
        )

    def by_test(self) -> list[list[Matter]]:
        """The results of each test, newest first."""
        found: dict[str, list[Matter]] = {}
        for matter in self._chart.matters:
            if _section_of(matter) == "results":
                codes = codes_of(matter.shown.resource.get("code"))
                found.setdefault(min(codes, default=name_of(matter.shown.resource)), []).append(matter)
        return [
            sorted(some, key=lambda one: (self._said(one.shown), one.shown.id), reverse=True) for some in found.values()
        ]

    def results(self, tests: Sequence[Sequence[Matter]], *, with_past: bool) -> list[FactRow]:
        """The newest of each test with its trend, and the ones before."""
        found: list[FactRow] = []
        for ordered in tests:
            head = self.row(ordered[0])
            found.append(_with_trend(head, ordered[0], self.row(ordered[1]), ordered[1]) if ordered[1:] else head)
            found += [self.row(one, is_current=False) for one in ordered[1:]] if with_past else []
        return found

    def _said(self, fact: Fact) -> str:
        """When the fact was so, else when it was told, as FHIR text."""
        rule = self._content.folding.rules.get(fact.type)
        return str(first(fact.resource, rule.dated if rule else ()) or "") or fact.sources[0].at

    def _line(self, source: Source) -> SourceLine:
        return SourceLine(
            key=blake2b(source.key.encode(), digest_size=6).hexdigest(),
            name=source.name,
            said=date_words(source.at, self._zone),
            detail=source.detail,
            document_id=source.document_id,
        )

    def _stale(self, fact: Fact, said: str) -> str:
        rule = self._content.folding.rules.get(fact.type)
        if rule is None or not rule.stale or not said:
            return ""
        codes = set(codes_of(fact.resource.get("code")))
        months = months_old(said, self._chart.now, self._zone)
        for one in rule.stale:
            if not one.codes or one.codes & codes:
                return one.says if months >= one.months else ""
        return ""


_CLASSES = {
    "IMP": "Hospital stay",
    "ACUTE": "Hospital stay",
    "NONAC": "Hospital stay",
    "OBSENC": "Hospital stay, observation",
    "EMER": "Emergency visit",
    "AMB": "Visit",
    "HH": "Visit at home",
    "VR": "Video visit",
    "PRENC": "Planned stay",
    "SS": "Short stay",
}


def _name(fact: Fact) -> str:
    if fact.type == "DocumentReference":
        return document_title(fact.resource)
    if fact.type == "Encounter":
        kind = words_of(first(fact.resource, ("type",)))
        return kind or _CLASSES.get(str(fact.resource.get("class", {}).get("code", "")), "Visit")
    return name_of(fact.resource)


_HAS_STATUS = frozenset({"Condition", "MedicationRequest", "MedicationStatement", "AllergyIntolerance"})


def _is_current(fact: Fact) -> bool:
    status = status_of(fact.resource)
    if fact.type in ("Condition", "AllergyIntolerance"):
        return not status or status in _ACTIVE
    if fact.type in ("MedicationRequest", "MedicationStatement"):
        return status in ("active", "on hold", "intended")
    if fact.type == "DocumentReference":
        return status != "superseded"
    return status not in ("cancelled", "not done")


def _with_trend(row: FactRow, matter: Matter, before: FactRow, earlier: Matter) -> FactRow:
    now, then = _amount(matter), _amount(earlier)
    told = f"{value_of(earlier.shown.resource)} in {before.dated[-8:]}" if before.dated else ""
    if now is None or then is None or now[1] != then[1]:
        return replace(row, before=told)
    trend = "same" if now[0] == then[0] else "up" if now[0] > then[0] else "down"
    return replace(row, trend=trend, before=told)


def _amount(matter: Matter) -> tuple[Decimal, str] | None:
    quantity = matter.shown.resource.get("valueQuantity", {})
    if "value" not in quantity:
        return None
    number, _, unit = value_key(quantity).partition(" ")
    return Decimal(number), unit


def _nothing(_: Resource) -> str:
    return ""


def _dosage(resource: Resource) -> str:
    lines = [*resource.get("dosageInstruction", ()), *resource.get("dosage", ())]
    return "; ".join(str(one["text"]) for one in lines if one.get("text"))


def _onset(resource: Resource) -> str:
    onset = str(first(resource, ("onsetDateTime", "onsetPeriod.start")) or "")[:4]
    return f"since {onset}" if onset else ""


def _reaction(resource: Resource) -> str:
    shown = [words_of(one).lower() for one in walk(resource, "reaction.manifestation")]
    critical = ["can be severe"] if resource.get("criticality") == "high" else []
    return ", ".join([*dict.fromkeys(shown), *critical])


def _result(resource: Resource) -> str:
    flags = [words_of(one) for one in resource.get("interpretation", ())]
    named = [_FLAGS.get(flag, flag) for flag in flags if flag not in ("N", "Normal")]
    return " ".join([value_of(resource), *(f"({flag.lower()})" for flag in named)])


_FLAGS = {"H": "high", "L": "low", "HH": "very high", "LL": "very low", "A": "abnormal", "AA": "very abnormal"}


def _dose(resource: Resource) -> str:
    protocol = resource.get("protocolApplied") or [{}]
    number = protocol[0].get("doseNumberPositiveInt") or protocol[0].get("doseNumberString")
    return "not given" if resource.get("status") == "not-done" else f"dose {number}" if number else ""


def _visit(resource: Resource) -> str:
    place = resource.get("serviceProvider", {}).get("display", "")
    reasons = [words_of(one) for one in resource.get("reasonCode", ())[:2]]
    return ", ".join(part for part in (str(place), *reasons) if part)


_DETAILS: Mapping[str, Callable[[Resource], str]] = {
    "Condition": _onset,
    "MedicationRequest": _dosage,
    "MedicationStatement": _dosage,
    "AllergyIntolerance": _reaction,
    "Observation": _result,
    "Immunization": _dose,
    "Encounter": _visit,
}
