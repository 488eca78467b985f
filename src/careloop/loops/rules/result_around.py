"""One patient's resources as results look at them: what a report holds, what answers an order, what was said of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from careloop.loops.rules.critical import Acknowledged
from careloop.loops.rules.result_tables import ResultTables
from careloop.loops.rules.result_values import codes_in
from careloop.loops.rules.result_windows import FINAL

Resource = Mapping[str, Any]
Others = Mapping[str, Resource]

RESULT_TYPES = frozenset({"DiagnosticReport", "Observation"})
NODULE = "urn:careloop:finding|lung-nodule"
_PATIENT_SIDE = ("Patient/", "RelatedPerson/")


@dataclass(frozen=True)
class Around:
    """One patient's resources, with what results ask of them. Kept for the last patient that was read."""

    others: Others
    tables: ResultTables
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    heard: list[Acknowledged] = field(default_factory=list)

    @cached_property
    def held(self) -> frozenset[str]:
        """Observations that a report holds."""
        reports = (one for one in self.others.values() if one.get("resourceType") == "DiagnosticReport")
        return frozenset(reference for report in reports for reference in references(report.get("result", [])))

    @cached_property
    def by_order(self) -> Mapping[str, list[Resource]]:
        """Results that stand for themselves, by the first order of their chain."""
        found: dict[str, list[Resource]] = {}
        for name, one in self.others.items():
            if one.get("resourceType") in RESULT_TYPES and name not in self.held:
                found.setdefault(self.root(one), []).append(one)
        return found

    @cached_property
    def messages(self) -> list[Resource]:
        """Completed Communications."""
        return [
            one
            for one in self.others.values()
            if one.get("resourceType") == "Communication" and one.get("status") == "completed"
        ]

    @cached_property
    def answered(self) -> frozenset[str]:
        """Messages that the patient answered."""
        return frozenset(
            reference
            for one in self.messages
            if any(who.startswith(_PATIENT_SIDE) for who in references([one.get("sender", {})]))
            for reference in references(one.get("inResponseTo", []))
        )

    @cached_property
    def nodules(self) -> Mapping[str, Resource]:
        """What somebody wrote down of a lung nodule, by the result that shows it; the newest."""
        found: dict[str, Resource] = {}
        for one in self.others.values():
            is_one = one.get("resourceType") == "Observation" and one.get("status") in FINAL
            if is_one and NODULE in set(codes_in(one.get("code", {}))):
                found |= dict.fromkeys(references(one.get("focus", [])), one)
        return found

    def order(self, resource: Resource) -> str:
        """The order that a result or an order names; empty without one."""
        named = [one for one in references(resource.get("basedOn", [])) if one.startswith("ServiceRequest/")]
        return named[0] if named else ""

    def root(self, resource: Resource) -> str:
        """The first order of the chain; the resource itself where it names none."""
        found, seen = name_of(resource), set[str]()
        while (order := self.order(resource)) and order not in seen:
            seen.add(order)
            found, resource = order, self.others.get(order, {})
        return found

    def parts(self, report: Resource) -> Iterator[Resource]:
        """The observations that a report holds, as far as they are there."""
        inside = {f"#{one.get('id', '')}": one for one in report.get("contained", ())}
        for reference in references(report.get("result", [])):
            part = inside.get(reference) or self.others.get(reference)
            if part is not None and part.get("status") not in ("cancelled", "entered-in-error"):
                yield part

    def whole(self, result: Resource) -> list[Resource]:
        """The result, what it holds, and the other results of its order with what they hold; itself first."""
        family = self.by_order.get(self.root(result), [])
        others = [one for one in family if name_of(one) != name_of(result) and one.get("status") != "cancelled"]
        return [part for one in (result, *others) for part in (one, *self.parts(one))]


_LAST: list[Around] = []


def around(others: Others, tables: ResultTables) -> Around:
    """The patient's resources; the same object again while they are the same."""
    if _LAST and _LAST[0].others is others and _LAST[0].tables is tables:
        return _LAST[0]
    found = Around(others, tables)
    _LAST[:] = [found]
    return found


def released(result: Resource) -> datetime | None:
    """When a result could be read."""
    period = result.get("effectivePeriod") or {}
    return instant(result.get("issued") or result.get("effectiveDateTime") or period.get("start"))


def instant(text: Any) -> datetime | None:
    """A full dateTime or instant; None for anything else."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def born_on(patient: Resource) -> date | None:
    """The birth date; the first day of a year or month that is all that is known."""
    text = str(patient.get("birthDate", ""))
    try:
        return date.fromisoformat(text + {4: "-01-01", 7: "-01"}.get(len(text), ""))
    except ValueError:
        return None


def name_of(resource: Resource) -> str:
    """`Type/id`."""
    return f"{resource.get('resourceType', '')}/{resource.get('id', '')}"


def references(values: Iterable[Any]) -> list[str]:
    """The references in a list of Reference elements, without their versions."""
    found = [one.get("reference") for one in values if isinstance(one, Mapping)]
    return [str(one).split("/_history/")[0] for one in found if one]
