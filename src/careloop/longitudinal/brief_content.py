"""`content/briefs/brief.yaml` as values, with every name in it checked against what can be found."""

from collections.abc import Iterator, Mapping
from typing import Any

from careloop.catalog import Catalog
from careloop.errors import ContentError, Fault
from careloop.longitudinal.brief_model import KINDS, BriefRule, BriefRules, BriefSection, Group
from careloop.longitudinal.rules.brief import HOLE

Document = Mapping[str, Any]
_FILE = "briefs/brief.yaml"
_OF_GROUPS = frozenset({"count", "sources"})


def brief_rules_of(catalog: Catalog) -> BriefRules:
    """The rules of the brief; `ContentError` with every name that means nothing. Read in less than a millisecond."""
    document = catalog.document("briefs", "brief")
    faults = list(_faults(document))
    if faults:
        raise ContentError(faults)
    rules = tuple(_rule(one) for one in document["rules"])
    by_kind: dict[str, tuple[BriefRule, ...]] = {}
    for one in rules:
        by_kind[one.kind] = (*by_kind.get(one.kind, ()), one)
    limit, since = document["limit"], document["since"]
    return BriefRules(
        words=limit["words"],
        line_words=limit["line_words"],
        first_days=since["first_days"],
        same_look_minutes=since["same_look_minutes"],
        old_days=since["old_days"],
        soon_days=document["soon_days"],
        private_roles=frozenset(document["private_roles"]),
        sections=tuple(BriefSection(**one) for one in document["sections"]),
        rules=rules,
        first_rules=by_kind,
    )


def _rule(one: Document) -> BriefRule:
    asked = {name: value for name, value in one["when"].items() if name != "kind"}
    group = one.get("group")
    return BriefRule(
        id=one["id"],
        section=one["section"],
        kind=one["when"]["kind"],
        points=one["points"],
        says=one["says"],
        because=one["because"],
        when={name: frozenset([value] if isinstance(value, str) else value) for name, value in asked.items()},
        group=Group(least=group["least"], says=group["says"], names=group.get("names", 4)) if group else None,
        fades=one.get("fades", 0),
        also=one.get("also", False),
        own=one.get("own", True),
    )


def _faults(document: Document) -> Iterator[Fault]:
    sections = {one["id"] for one in document["sections"]}
    seen: set[str] = set()
    for number, one in enumerate(document["rules"]):
        at = f"{_FILE}: rules[{number}]"
        known = KINDS[one["when"]["kind"]]
        if one["section"] not in sections:
            yield Fault(at=f"{at}.section", expected=f"one of {', '.join(sorted(sections))}")
        if one["id"] in seen:
            yield Fault(at=f"{at}.id", expected="an id that no other rule has")
        seen.add(one["id"])
        for name in sorted({*one["when"], *HOLE.findall(one["says"])} - known - {"kind"}):
            yield Fault(at=f"{at}: {name}", expected=f"one of {', '.join(sorted(known))}")
        for name in sorted(set(HOLE.findall((one.get("group") or {}).get("says", ""))) - _OF_GROUPS):
            yield Fault(at=f"{at}.group: {name}", expected="count or sources")
