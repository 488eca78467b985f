"""Checks that content names only things that exist: steps, roles, reasons, codes, groups; and that all can end."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from careloop.catalog.result_names import result_faults
from careloop.errors import Fault

Document = Mapping[str, Any]
Kinds = Mapping[str, Mapping[str, Document]]

_OWN_SYSTEMS = frozenset(
    {
        "urn:careloop:medicine-tier",
        "urn:careloop:refill-gap",
        "urn:careloop:question",
        "urn:careloop:communication", "urn:careloop:open", "urn:careloop:form", "urn:careloop:referral-work",
        "urn:careloop:fix", "urn:careloop:flag", "urn:careloop:minutes",
    }
)  # fmt: skip
_CODE_SYSTEMS = ("http://", "https://", "urn:")
_ENDS_WITH_CLASS = frozenset({"admitted"})


def reference_faults(kinds: Kinds) -> list[Fault]:
    """Every name in the content that points nowhere."""
    faults = list(_identities(kinds))
    if "vocabulary" in kinds and "transitions" in kinds:
        known = _Known(kinds)
        for name, pathway in kinds.get("pathways", {}).items():
            faults += _pathway(f"pathways/{name}.yaml", pathway, known)
    for name, model in kinds.get("risk", {}).items():
        faults += _risk(f"risk/{name}.yaml", model)
    for name, calendar in kinds.get("calendars", {}).items():
        faults += _calendar(f"calendars/{name}.yaml", calendar)
    faults += result_faults(kinds.get("results", {}))
    return faults


class _Known:
    """Names that pathways may use."""

    def __init__(self, kinds: Kinds) -> None:
        words = kinds["vocabulary"].get("careloop", {})
        statuses = kinds["transitions"].get("discharge-status", {}).get("statuses", ())
        self.staff = frozenset(words.get("roles", {}).get("staff", ()))
        self.roles = self.staff | frozenset(words.get("roles", {}).get("others", ()))
        self.reasons = frozenset(words.get("reasons", {}).get("codes", ()))
        self.categories = frozenset(words.get("communication_categories", {}).get("codes", ()))
        self.pathways = frozenset(document["id"] for document in kinds["pathways"].values())
        visits = kinds.get("scheduling", {}).get("visits", {})
        self.fixes = frozenset(reason["id"] for reason in visits.get("reasons", ()) if "fix" in reason)
        self.groups = frozenset(status["group"] for status in statuses)
        self.follow_up = frozenset(status["follow_up"] for status in statuses)


def _identities(kinds: Kinds) -> Iterator[Fault]:
    """The id of a file is its name, a retired version's name is `<id>@<version>`; one version is active."""
    for kind, documents in kinds.items():
        for name, document in documents.items():
            base, _, version = name.rsplit("/", 1)[-1].partition("@")
            if document.get("id") != base or (version and document.get("version") != version):
                yield Fault(at=f"{kind}/{name}.yaml: id", expected=f"the name of the file, {base}", code="value")
            if version and document.get("status") == "active":
                yield Fault(at=f"{kind}/{name}.yaml: status", expected="retired, for a file of an old version")


def _pathway(file: str, pathway: Document, known: _Known) -> Iterator[Fault]:
    steps = [step["id"] for step in pathway["steps"]]
    for doubled in sorted({step for step in steps if steps.count(step) > 1}):
        yield Fault(at=f"{file}: steps", expected=f"each step once; {doubled} is there twice")
    for number, step in enumerate(pathway["steps"]):
        yield from _step(f"{file}: steps[{number}]", step, pathway, known)
    for number, column in enumerate(pathway.get("board", {}).get("columns", ())):
        yield from _unknown(
            f"{file}: board.columns[{number}].while_open", column["while_open"], frozenset(steps), "step"
        )
    for number, rule in enumerate(pathway["ends_when"]):
        at = f"{file}: ends_when[{number}]"
        yield from _unknown(f"{at}.reason", [rule["reason"]], known.reasons, "reason")
        yield from _condition(f"{at}.when", rule.get("when", {}), known)
        if rule["event"] in _ENDS_WITH_CLASS and not rule.get("class"):
            yield Fault(at=f"{at}.class", expected="the classes of stay that end the loop")
    yield from _opening(f"{file}: opens_when", pathway, known)


def _opening(at: str, pathway: Document, known: _Known) -> Iterator[Fault]:
    opens = pathway["opens_when"]
    yield from _unknown(f"{at}.follow_up", opens.get("follow_up", ()), known.follow_up, "follow_up")
    yield from _unknown(f"{at}.disposition_group", opens.get("disposition_group", ()), known.groups, "group")
    yield from _condition(f"{at}.when", opens.get("when", {}), known)
    if opens["event"] == "stay-ended" and not (opens.get("follow_up") or opens.get("disposition_group")):
        yield Fault(at=at, expected="follow_up or disposition_group, so that the loop can open")
    reason = pathway["window"].get("reason", "window-over")
    yield from _unknown(f"{at.split(':')[0]}: window.reason", [reason], known.reasons, "reason")


def _step(at: str, step: Document, pathway: Document, known: _Known) -> Iterator[Fault]:
    yield from _unknown(f"{at}.owner.role", [step["owner"]["role"]], known.staff, "role of staff")
    for number, item in enumerate(step.get("escalate", ())):
        yield from _unknown(f"{at}.escalate[{number}].to.role", [item["to"]["role"]], known.staff, "role of staff")
    yield from _due(f"{at}.due", step, pathway)
    yield from _condition(f"{at}.done_when", step["done_when"], known)
    if "attempts" in step:
        yield from _condition(f"{at}.attempts.when", step["attempts"]["when"], known)
    yield from _condition(f"{at}.only_when.fact", step.get("only_when", {}).get("fact", {}), known)
    yield from _order(at, step, pathway)
    needs_tiers = "tier" in step.get("only_when", {}) or "by_tier" in step["due"]
    if needs_tiers and not pathway.get("tiered"):
        yield Fault(at=at, expected="`tiered: true` at the top of the pathway, for clocks that depend on risk")


def _order(at: str, step: Document, pathway: Document) -> Iterator[Fault]:
    """A step hangs on steps that stand above it, so that no two wait for each other."""
    earlier = frozenset(
        other["id"] for other in pathway["steps"][: [one["id"] for one in pathway["steps"]].index(step["id"])]
    )
    for name, named in (("due.since", step["due"].get("since")), ("follows", step.get("follows"))):
        if named is not None and named not in earlier:
            yield Fault(at=f"{at}.{name}", expected="a step of this pathway that stands above this one")
    if step.get("counts") == "after-step" and "follows" not in step:
        yield Fault(at=f"{at}.follows", expected="the step that comes before, where `counts` is after-step")


def _due(at: str, step: Document, pathway: Document) -> Iterator[Fault]:
    due, by_id = step["due"], {other["id"]: other for other in pathway["steps"]}
    named = due.get("date_of")
    if named is not None and (named not in by_id or "within" not in by_id[named]["due"] | _tiers(by_id[named])):
        yield Fault(at=f"{at}.date_of", expected="another step of this pathway that has a clock of its own")
    if "planned_start" in due and pathway["opens_when"]["event"] != "stay-planned":
        yield Fault(at=f"{at}.planned_start", expected="a pathway that opens with stay-planned")
    if ("after_expected_result" in due) != ("special" in step["done_when"]):
        yield Fault(at=at, expected="after_expected_result together with `special: results-settled`")


def _tiers(step: Document) -> dict[str, Any]:
    return {"within": True} if "by_tier" in step["due"] else {}


def _condition(at: str, condition: Document, known: _Known) -> Iterator[Fault]:
    for name, value in condition.items():
        if name in ("all", "any"):
            for number, part in enumerate(value):
                yield from _condition(f"{at}.{name}[{number}]", part, known)
        elif name == "not":
            yield from _condition(f"{at}.not", value, known)
        elif name == "performed_by":
            yield from _unknown(f"{at}.performed_by", value, known.roles, "role")
        elif name in ("category", "code"):
            yield from _codes(f"{at}.{name}", value, known)


def _codes(at: str, values: list[str], known: _Known) -> Iterator[Fault]:
    for value in values:
        system, _, code = value.partition("|")
        if not system.startswith(_CODE_SYSTEMS):
            yield Fault(at=at, expected="system|code with the system as a url or urn")
        if system == "urn:careloop:communication" and code not in known.categories:
            yield Fault(at=at, expected=f"a code of {system}: {', '.join(sorted(known.categories))}")
        elif system == "urn:careloop:open" and code not in known.pathways:
            yield Fault(at=at, expected="the id of a pathway after urn:careloop:open")
        elif system == "urn:careloop:fix" and code not in known.fixes:
            yield Fault(at=at, expected="a reason of content/scheduling after urn:careloop:fix")
        elif system.startswith("urn:careloop:") and system not in _OWN_SYSTEMS:
            yield Fault(at=at, expected="a code system of the vocabulary")


def _unknown(at: str, names: Any, known: frozenset[str], what: str) -> Iterator[Fault]:
    for name in names:
        if name not in known:
            yield Fault(at=at, expected=f"a {what} that exists: {', '.join(sorted(known))}", code="code-invalid")


def _risk(file: str, model: Document) -> Iterator[Fault]:
    for list_name in ("groups", "comorbidity_groups"):
        groups = model.get(list_name, ())
        names = frozenset(group["id"] for group in groups)
        for number, group in enumerate(groups):
            yield from _unknown(f"{file}: {list_name}[{number}].replaces", group.get("replaces", ()), names, "group")
    for name in ("length_of_stay", "comorbidity", "emergency_visits", "admissions"):
        yield from _bands(f"{file}: {name}", model.get(name, ()))


def _bands(at: str, bands: Any) -> Iterator[Fault]:
    """Bands follow each other without gap or overlap; the last one has no upper end."""
    for number, (one, following) in enumerate(pairwise(bands)):
        if one.get("to", one["from"] - 1) + 1 != following["from"]:
            yield Fault(at=f"{at}[{number + 1}].from", expected="the number after the band before")
    if bands and "to" in bands[-1]:
        yield Fault(at=f"{at}[{len(bands) - 1}].to", expected="no upper end in the last band")


def _calendar(file: str, calendar: Document) -> Iterator[Fault]:
    days = [row["observed"] for row in calendar["holidays"]]
    if days != sorted(set(days)):
        yield Fault(at=f"{file}: holidays", expected="each observed date once, in order")
    first, last = calendar["covers"]["from"], calendar["covers"]["to"]
    if days and not first <= days[0] <= days[-1] <= last:
        yield Fault(at=f"{file}: covers", expected="a range that holds every holiday")
