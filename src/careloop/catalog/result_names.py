"""Checks that the files about test results name only groups, ages and follow-ups that exist, and leave no gap."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from careloop.errors import Fault

Document = Mapping[str, Any]


def result_faults(files: Mapping[str, Document]) -> Iterator[Fault]:
    """Every name in `content/results` that points nowhere, and every row that could never be met."""
    groups = {str(group["id"]) for group in files.get("windows", {}).get("groups", ())}
    if "critical-values" in files:
        yield from _critical("results/critical-values.yaml", files["critical-values"])
    if "abnormal-followup" in files:
        yield from _abnormal("results/abnormal-followup.yaml", files["abnormal-followup"], groups)
    for number, row in enumerate(files.get("fleischner", {}).get("rows", ())):
        if Decimal(row["from"]) >= Decimal(row["below"]):
            yield Fault(at=f"results/fleischner.yaml: rows[{number}].below", expected="a size above `from`")


def _critical(file: str, document: Document) -> Iterator[Fault]:
    ages = {str(age["id"]) for age in document["age_groups"]}
    yield from _doubled(f"{file}: rows", (str(row["id"]) for row in document["rows"]))
    for number, row in enumerate(document["rows"]):
        at = f"{file}: rows[{number}]"
        yield from _unknown(f"{at}.age_group", [row["age_group"]], ages, "age group")
        if {"below", "above"} <= row.keys() and Decimal(row["below"]) >= Decimal(row["above"]):
            yield Fault(at=f"{at}.above", expected="a limit above `below`")


def _abnormal(file: str, document: Document, groups: set[str]) -> Iterator[Fault]:
    kinds = {str(kind["id"]) for kind in document["follow_ups"]}
    yield from _doubled(f"{file}: rows", (str(row["id"]) for row in document["rows"]))
    yield from _doubled(f"{file}: follow_ups", (str(kind["id"]) for kind in document["follow_ups"]))
    for number, kind in enumerate(document["follow_ups"]):
        yield from _unknown(f"{file}: follow_ups[{number}].or", kind.get("or", ()), kinds, "follow-up")
    for number, row in enumerate(document["rows"]):
        at = f"{file}: rows[{number}]"
        yield from _unknown(f"{at}.needs", [row["needs"]] if "needs" in row else [], kinds, "follow-up")
        named = [when["group"] for when in row["when"] if "group" in when]
        yield from _unknown(f"{at}.when", named, groups, "group of tests")
        if row.get("target_days", 0) > row.get("limit_days", 0):
            yield Fault(at=f"{at}.target_days", expected="no more days than limit_days")


def _doubled(at: str, names: Iterable[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Fault(at=at, expected=f"each id once; {name} is there twice")
        seen.add(name)


def _unknown(at: str, names: Iterable[str], known: set[str], what: str) -> Iterator[Fault]:
    for name in names:
        if name not in known:
            yield Fault(at=at, expected=f"a {what} that exists: {', '.join(sorted(known))}", code="code-invalid")
