"""Case files: lists of cases, run against content. What a case is about shows in its keys.

| keys | is about |
|---|---|
| `given`, `when`, `then` | a pathway, named by the file (`ed-visit.cases.yaml`) |
| `days_after`, `start`, `due` | a calendar |
| `lace`, `hospital` with `total` | a risk model from plain numbers |
| `codes`, `model`, `groups` | the comorbidity groups that codes fall into |
| `status`, `follow_up` | what a discharge status means |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from careloop.errors import Fault
from careloop.loops.cases.building import Item
from careloop.loops.cases.running import ZONE, Content, run_case
from careloop.loops.pathways import parse_span
from careloop.loops.rules.calendar import after, zone_named
from careloop.loops.rules.comorbidity import groups_found
from careloop.loops.rules.scores import hospital_points, lace_points


@dataclass(frozen=True, kw_only=True)
class Report:
    """How a case file came out."""

    cases: int
    faults: tuple[Fault, ...]


def run_cases(document: Any, name: str, content: Content) -> Report:
    """Runs every case of a file. `name` is the file's name; it tells which pathway its cases are about."""
    if not isinstance(document, list):
        return Report(cases=0, faults=(Fault(at=name, expected="a list of cases"),))
    pathway = name.removesuffix(".cases.yaml")
    faults: list[Fault] = []
    for number, case in enumerate(document, start=1):
        at = f"{name}: {case.get('case', f'case {number}') if isinstance(case, dict) else f'case {number}'}"
        faults += [Fault(at=at, expected=fault.expected) for fault in _run_one(case, content, pathway)]
    return Report(cases=len(document), faults=tuple(faults))


def _run_one(case: Any, content: Content, pathway: str) -> Sequence[Fault]:
    if not isinstance(case, dict) or "case" not in case:
        return [Fault(at="", expected="a mapping with `case`, a sentence that says what must be true")]
    try:
        if "then" in case:
            return run_case(case, content, pathway)
        return [Fault(at="", expected=text) for text in _table_case(case, content)]
    except (KeyError, ValueError, TypeError) as error:
        return [Fault(at="", expected=f"a case that can be read ({type(error).__name__}: {error})")]


def _table_case(case: Item, content: Content) -> list[str]:
    if "start" in case:
        return _deadline(case, content)
    if "lace" in case:
        found = lace_points(content.pathways.risk["lace"], **case["lace"])
        return [] if found == case["total"] else [f"LACE {case['total']}, it is {found}"]
    if "hospital" in case:
        return _hospital(case, content)
    if "codes" in case:
        return _groups(case, content)
    if "status" in case:
        return _disposition(case, content)
    return ["one of the forms that README.md of the case files lists"]


def _deadline(case: Item, content: Content) -> list[str]:
    zone = case.get("zone", ZONE)
    text = str(case["start"])
    start = datetime.fromisoformat(text)
    if start.tzinfo is None:
        start = datetime.combine(start.date(), time(12) if len(text) == 10 else start.time(), tzinfo=zone_named(zone))
    found = after(start, parse_span(case["days_after"]), zone, content.calendar)
    wrong = []
    if found.due != datetime.fromisoformat(case["due"]):
        wrong.append(f"{case['due']}, it is {found.due.isoformat()}")
    if "because" in case and case["because"] != found.because:
        wrong.append(f"because {case['because']}, it is {found.because}")
    return wrong


def _hospital(case: Item, content: Content) -> list[str]:
    table = content.pathways.risk[f"hospital-{case['version']}"]
    given = case["hospital"]
    found = hospital_points(table, admissions=given["admissions"], los=given["los"], flags=given["flags"])
    return [] if found == case["total"] else [f"HOSPITAL {case['total']}, it is {found}"]


def _groups(case: Item, content: Content) -> list[str]:
    model = content.pathways.risk[case["model"]]
    groups = model.get("comorbidity_groups") or model["groups"]
    problems = [(code, frozenset({f"http://hl7.org/fhir/sid/icd-10-cm|{code}"})) for code in case["codes"]]
    found = groups_found(groups, problems, weight=case["weight"])
    total = sum(group.points for group in found)
    return [] if total == case["total"] else [f"{case['total']} points, it is {total}"]


def _disposition(case: Item, content: Content) -> list[str]:
    known = content.pathways.dispositions[str(case["status"])]
    seen = {"follow_up": known.follow_up, "group": known.group, "chains": known.chains, "index": known.index}
    return [
        f"{name} {case[name]}, it is {seen[name]}" for name in seen.keys() & case.keys() if case[name] != seen[name]
    ]
