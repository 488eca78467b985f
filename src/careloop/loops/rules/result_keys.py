"""What the words of a result need of the patient's other resources: its order, its parts, what was acknowledged.

A report speaks for the observations that it holds: its finding is the worst of them. The clocks of a result are words
too, so that their numbers stand in `content/results` alone.

| key | says |
|---|---|
| `opens` | yes: a test of its own. An order that fills or follows another one attaches to that one's loop (RE-01) |
| `collect-within`, `result-within` | clocks of an order (RE-06) |
| `whole` | yes: this is the newest of its order's results and all of them are final (RE-05) |
| `review-within`, `tell-within` | clocks of a result; a critical value in its minutes (RC-01) |
| `page` | yes: somebody must be called now (RC-04 says when a repeat needs nobody) |
| `follow-up-limit`, `follow-up-target` | days of a named follow-up |
| `told` | of a message: yes where an act told the patient about a final result (RE-07) |
| `closes` | of a decision: yes where it may close the follow-up (a named one asks for a reason) |
| `does` | the needs that a thing satisfies, or that a review of its result does |
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from careloop.loops.rules.abnormal import closes, kinds_of
from careloop.loops.rules.critical import Acknowledged, judge, needs_page
from careloop.loops.rules.findings import PAGED, SEVERITY, follow_up_of, words_of_one, worst, yes
from careloop.loops.rules.result_tables import Clocks, FollowUpRow, ResultTables
from careloop.loops.rules.result_values import codes_in
from careloop.loops.rules.result_windows import FINAL, group_of, is_test, review_span, tell_span

Resource = Mapping[str, Any]
Others = Mapping[str, Resource]

RESULT_TYPES = frozenset({"DiagnosticReport", "Observation"})
TYPES = RESULT_TYPES | {"ServiceRequest", "Communication", "Procedure", "Encounter"}
"""Resources that have words of results."""

ACKNOWLEDGED = "urn:careloop:communication|result-acknowledged"
REVIEWED = "urn:careloop:communication|result-reviewed"
_PATIENT_SIDE = ("Patient/", "RelatedPerson/")
_SPOKEN = frozenset({"PHONE", "VIDEOCONF", "FACE", "VERBAL", "PHYSICAL"})
_ACTS = _SPOKEN | {"MAILWRIT"}
"""Media in which sending is an act that tells (RE-07); others need `received` or an answer."""

_STAYS = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC"})


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


def keys_of(resource: Resource, patient: Resource, others: Others, tables: ResultTables) -> Mapping[str, str]:
    """The words of one resource among all of the patient's."""
    near = around(others, tables)
    kind = resource.get("resourceType")
    if kind in RESULT_TYPES:
        return _of_result(resource, _born(patient), near)
    if kind == "ServiceRequest":
        return _of_order(resource, near)
    if kind == "Communication":
        return _of_message(resource, _born(patient), near)
    return _does(kinds_of(resource, tables.follow_ups), tables, with_result=False)


def opening_words(resource: Resource, tables: ResultTables) -> Mapping[str, str]:
    """`opens` of one resource for which nothing else is looked at; the same as `keys_of` says of it alone, for less."""
    kind = resource.get("resourceType")
    if kind == "ServiceRequest":
        return {"opens": yes(is_test(resource, tables.windows))}
    if kind in RESULT_TYPES:
        return {"opens": yes(_is_result(resource, Around({}, tables)))}
    return {}


def _of_order(order: Resource, near: Around) -> dict[str, str]:
    group = group_of(order, near.tables.windows)
    opens = is_test(order, near.tables.windows) and near.order(order) not in near.others
    found = {
        "group": group.id,
        "test": yes(is_test(order, near.tables.windows)),
        "opens": yes(opens),
        "collect-within": group.clocks.collect.said,
    }
    if group.clocks.result is not None:
        found["result-within"] = group.clocks.result.said
    return found | _does(kinds_of(order, near.tables.follow_ups), near.tables, with_result=False)


def _of_result(result: Resource, born: date | None, near: Around) -> dict[str, str]:
    found = dict(_words(result, born, near))
    order = near.order(result)
    placed = near.others.get(order, {})
    group = group_of(result, near.tables.windows, priority=placed.get("priority"))
    clocks = near.tables.windows.pending if _was_open_at_discharge(result, near) else group.clocks
    finding = found["finding"]
    page = finding in PAGED and _pages(result, born, near)
    minutes = found.pop("minutes", "")
    review = f"{minutes}-minutes" if page and minutes else review_span(clocks, finding).said
    return found | {
        "group": group.id,
        "opens": yes(_is_result(result, near) and near.order(placed) not in near.others),
        "whole": yes(_is_whole(result, near)),
        "page": yes(page),
        "pending": yes(clocks is near.tables.windows.pending),
        "review-within": review,
        "tell-within": tell_span(clocks, finding).said,
        **_follow_up_clock(found, near.tables),
    }


def _follow_up_clock(found: Mapping[str, str], tables: ResultTables) -> dict[str, str]:
    if found.get("follow-up") == "decide":
        return {"follow-up-limit": f"{tables.follow_ups.decide_days}-days"}
    row = next((row for row in tables.follow_ups.rows if row.id == found.get("follow-up-row")), None)
    if row is None or row.limit_days is None:
        return {}
    return {"follow-up-limit": f"{row.limit_days}-days", "follow-up-target": f"{row.target_days}-days"}


def _words(result: Resource, born: date | None, near: Around) -> dict[str, str]:
    """The words of a result with those of its parts and of what else answers its order: the worst of them, the first
    follow-up that one names."""
    name = name_of(result)
    if name not in near.words:
        near.words[name] = _joined([words_of_one(one, born, near.tables) for one in near.whole(result)])
    return near.words[name]


def _joined(all_words: list[dict[str, str]]) -> dict[str, str]:
    own, *parts = all_words
    says = [one for one in all_words if one["finding"] != "unknown"] or all_words
    gravest = min(says, key=lambda one: (SEVERITY.index(one["finding"]), int(one.get("minutes", "0"))))
    if parts and any(one["finding"] == "unknown" for one in parts) and gravest["finding"] == "normal":
        gravest = next(one for one in parts if one["finding"] == "unknown")
    named = [one for one in all_words if one["follow-up"] == "named"]
    found = {**own, **gravest, "group": own["group"], "finding": gravest["finding"]}
    if named:
        found |= {name: named[0][name] for name in ("follow-up-row", "needs")} | {"follow-up": "named"}
    else:
        found["follow-up"] = follow_up_of(found["finding"], None) if "follow-up-row" not in own else own["follow-up"]
    return found | {"worst": worst([one["finding"] for one in says])}


def _is_result(result: Resource, near: Around) -> bool:
    """True for a report that is no clinical note, and for a measurement of a laboratory or of images by itself."""
    table = near.tables.windows
    codes = frozenset((*codes_in(result.get("code", {})), *codes_in(result.get("category", []))))
    if codes & table.not_results or result.get("status") == "cancelled":
        return False
    if result.get("resourceType") == "DiagnosticReport":
        return True
    return name_of(result) not in near.held and bool(codes & table.result_categories)


def _is_whole(result: Resource, near: Around) -> bool:
    family = [one for one in near.by_order.get(near.root(result), [result]) if one.get("status") != "cancelled"]
    if any(one.get("status") not in FINAL for one in family):
        return False
    newest = max(family, key=lambda one: (_released(one) or _NEVER, name_of(one)), default=result)
    return name_of(newest) == name_of(result)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _was_open_at_discharge(result: Resource, near: Around) -> bool:
    """TR-40: it came after the end of the hospital stay that it belongs to."""
    released = _released(result)
    for reference in references([result.get("encounter", {})]):
        stay = near.others.get(reference, {})
        ended = instant((stay.get("period") or {}).get("end"))
        if str((stay.get("class") or {}).get("code")) in _STAYS and ended and released:
            return released > ended
    return False


def _pages(result: Resource, born: date | None, near: Around) -> bool:
    """RC-04, for each critical value of the result."""
    available = _released(result)
    if available is None:
        return True
    critical, before = near.tables.critical, _acknowledged_by_now(born, near)
    found = (judge(one, critical, born) for one in near.whole(result))
    return any(needs_page(one, available, before, critical) for one in found)


def _acknowledged_by_now(born: date | None, near: Around) -> list[Acknowledged]:
    """Every critical value of this patient that somebody acknowledged; found once."""
    if not near.heard:
        near.heard.extend(_acknowledged(born, near))
    return near.heard


def _acknowledged(born: date | None, near: Around) -> Iterator[Acknowledged]:
    for message in near.messages:
        if {ACKNOWLEDGED, REVIEWED}.isdisjoint(codes_in(message.get("category", []))):
            continue
        at = instant(message.get("sent"))
        if at is None:
            continue
        for named in _results_of(message, near):
            for one in (named, *near.parts(named)):
                judged = judge(one, near.tables.critical, born)
                if judged.pages and judged.row is not None:
                    yield Acknowledged(row_id=judged.row.id, direction=judged.direction, value=judged.value, at=at)


def _results_of(message: Resource, near: Around) -> list[Resource]:
    """The results that a message is about, by itself or through their order."""
    named = (*references(message.get("about", [])), *references(message.get("basedOn", [])))
    found = [near.others[name] for name in named if name in near.others]
    results = [one for one in found if one.get("resourceType") in RESULT_TYPES]
    for one in found:
        if one.get("resourceType") == "ServiceRequest":
            results += near.by_order.get(near.root(one), [])
    return results


def _of_message(message: Resource, born: date | None, near: Around) -> dict[str, str]:
    results = _results_of(message, near)
    rows = [row for one in results if (row := _row(one, born, near)) is not None]
    found = {
        "told": yes(_tells(message, results, rows, near)),
        "closes": yes(not rows or bool(message.get("note") or message.get("reasonCode"))),
    }
    if REVIEWED in set(codes_in(message.get("category", []))):
        found |= _does(_done_by(message, near), near.tables, with_result=True)
    return found


def _row(result: Resource, born: date | None, near: Around) -> FollowUpRow | None:
    name = _words(result, born, near).get("follow-up-row", "")
    return next((row for row in near.tables.follow_ups.rows if row.id == name and row.needs), None)


def _tells(message: Resource, results: list[Resource], rows: list[FollowUpRow], near: Around) -> bool:
    """RE-05, RE-07: an act, to the patient, about results that are final; some findings only in person."""
    if not any(who.startswith(_PATIENT_SIDE) for who in references(message.get("recipient", []))):
        return False
    if message.get("status") != "completed" or any(one.get("status") not in FINAL for one in results):
        return False
    media = {code.rpartition("|")[2].upper() for code in codes_in(message.get("medium", []))}
    if any(row.by_clinician for row in rows):
        return bool(media & _SPOKEN)
    return bool(media & _ACTS or message.get("received") or name_of(message) in near.answered)


def _done_by(review: Resource, near: Around) -> frozenset[str]:
    """The kinds of follow-up whose result was read: of what the review names, its order, the procedure it is of."""
    found = set[str]()
    for name in references(review.get("about", [])):
        resource = near.others.get(name, {})
        found |= kinds_of(resource, near.tables.follow_ups)
        for other in _beside(name, resource, near):
            found |= kinds_of(other, near.tables.follow_ups)
    return frozenset(found)


def _beside(name: str, result: Resource, near: Around) -> Iterator[Resource]:
    """The order of a result, and the procedures that name the result, the same order or the same visit."""
    orders, visits = set(references(result.get("basedOn", []))), set(references([result.get("encounter", {})]))
    yield from (near.others[order] for order in orders if order in near.others)
    for other in near.others.values():
        if other.get("resourceType") == "Procedure" and other.get("status") == "completed":
            named = set(references(other.get("report", [])))
            shared = orders & set(references(other.get("basedOn", [])))
            if name in named or shared or visits & set(references([other.get("encounter", {})])):
                yield other


def _does(done: frozenset[str], tables: ResultTables, *, with_result: bool) -> dict[str, str]:
    """Needs that something satisfies: at once where there is no result to read, else by the review of its result."""
    kinds = tables.follow_ups.kinds
    fitting = frozenset(name for name in done if with_result or not kinds[name].has_result)
    return {"does": " ".join(sorted(closes(fitting, tables.follow_ups)))} if fitting else {}


def _released(result: Resource) -> datetime | None:
    period = result.get("effectivePeriod") or {}
    return instant(result.get("issued") or result.get("effectiveDateTime") or period.get("start"))


def instant(text: Any) -> datetime | None:
    """A full dateTime or instant; None for anything else."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _born(patient: Resource) -> date | None:
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


def spans_of(clocks: Clocks) -> list[str]:
    """Every span of a group of tests, as words say them."""
    spans = (clocks.collect, clocks.result, *clocks.review.values(), *clocks.tell.values())
    return [span.said for span in spans if span is not None]
