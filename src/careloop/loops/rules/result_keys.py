"""What the words of a result need of the patient's other resources: its order, its parts, what was acknowledged.

A report speaks for the observations that it holds: its finding is the worst of them. The clocks of a result are words
too, so that their numbers stand in `content/results` alone.

| key | says |
|---|---|
| `opens` | yes: a test of its own. An order that fills or follows another one attaches to that one's loop (RE-01) |
| `from` | of an order: `document` where a document of others told of it: theirs, it opens nothing (decision 0246) |
| `collect-within`, `result-within` | clocks of an order (RE-06) |
| `whole` | yes: this is the newest of its order's results and all of them are final (RE-05) |
| `review-within`, `tell-within` | clocks of a result; a critical value in its minutes (RC-01) |
| `page` | yes: somebody must be called now (RC-04 says when a repeat needs nobody) |
| `follow-up-limit`, `follow-up-target` | days of a named follow-up |
| `told` | of a message: yes where an act told the patient about a final result (RE-07) |
| `closes` | of a decision: yes where it may close the follow-up (a named one asks for a reason) |
| `does` | the needs that a thing satisfies at once, without a result that somebody has to read |
| `asks` | what a result answers to: its order, or itself without one |
| `settles` | of a review: what every result `asks` whose named follow-up was done and is read with it |
| `nodule` | what Fleischner 2017 says of a lung nodule that somebody wrote down about the result |
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime

from careloop.loops.rules.abnormal import kinds_of
from careloop.loops.rules.critical import Acknowledged, judge, needs_page
from careloop.loops.rules.findings import PAGED, SEVERITY, follow_up_of, words_of_one, worst, yes
from careloop.loops.rules.follow_up_keys import does_at_once, nodule_words, settled_by
from careloop.loops.rules.result_around import (
    RESULT_TYPES,
    Around,
    Others,
    Resource,
    around,
    born_on,
    instant,
    name_of,
    references,
    released,
)
from careloop.loops.rules.result_tables import Clocks, FollowUpRow, ResultTables
from careloop.loops.rules.result_values import codes_in
from careloop.loops.rules.result_windows import FINAL, group_of, is_test, review_span, tell_span

TYPES = RESULT_TYPES | {"ServiceRequest", "Communication", "Procedure", "Encounter"}
"""Resources that have words of results."""

ACKNOWLEDGED = "urn:careloop:communication|result-acknowledged"
REVIEWED = "urn:careloop:communication|result-reviewed"
_PATIENT_SIDE = ("Patient/", "RelatedPerson/")
_SPOKEN = frozenset({"PHONE", "VIDEOCONF", "FACE", "VERBAL", "PHYSICAL"})
_ACTS = _SPOKEN | {"MAILWRIT"}
"""Media in which sending is an act that tells (RE-07); others need `received` or an answer."""

_DOCUMENT = "urn:careloop:document:"
"""`meta.source` of what a document told."""
_STAYS = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC"})


def keys_of(resource: Resource, patient: Resource, others: Others, tables: ResultTables) -> Mapping[str, str]:
    """The words of one resource among all of the patient's."""
    near = around(others, tables)
    kind = resource.get("resourceType")
    if kind in RESULT_TYPES:
        return _of_result(resource, born_on(patient), near)
    if kind == "ServiceRequest":
        return _of_order(resource, near)
    if kind == "Communication":
        return _of_message(resource, born_on(patient), near)
    return does_at_once(kinds_of(resource, tables.follow_ups), tables)


def opening_words(resource: Resource, tables: ResultTables) -> Mapping[str, str]:
    """`opens` of one resource for which nothing else is looked at; the same as `keys_of` says of it alone, for less."""
    kind = resource.get("resourceType")
    if kind == "ServiceRequest":
        return {"opens": yes(is_test(resource, tables.windows) and not _by_document(resource))}
    if kind in RESULT_TYPES:
        return {"opens": yes(_is_result(resource, Around({}, tables)))}
    return {}


def _of_order(order: Resource, near: Around) -> dict[str, str]:
    group = group_of(order, near.tables.windows)
    opens = is_test(order, near.tables.windows) and near.order(order) not in near.others and not _by_document(order)
    found = {
        "group": group.id,
        "test": yes(is_test(order, near.tables.windows)),
        "opens": yes(opens),
        "from": "document" if _by_document(order) else "order",
        "collect-within": group.clocks.collect.said,
    }
    if group.clocks.result is not None:
        found["result-within"] = group.clocks.result.said
    return found | does_at_once(kinds_of(order, near.tables.follow_ups), near.tables)


def _by_document(order: Resource) -> bool:
    """True for what a document of others told of: a plan or an order of theirs, whose result comes back to them."""
    return str((order.get("meta") or {}).get("source", "")).startswith(_DOCUMENT)


def _of_result(result: Resource, born: date | None, near: Around) -> dict[str, str]:
    found = _words(result, born, near) | nodule_words(result, born, near)
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
        "asks": near.root(result),
        **_follow_up_clock(found, near.tables),
    }


def _follow_up_clock(found: Mapping[str, str], tables: ResultTables) -> dict[str, str]:
    if "follow-up-limit" in found:
        return {}
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
    newest = max(family, key=lambda one: (released(one) or _NEVER, name_of(one)), default=result)
    return name_of(newest) == name_of(result)


_NEVER = datetime.min.replace(tzinfo=UTC)


def _was_open_at_discharge(result: Resource, near: Around) -> bool:
    """TR-40: it came after the end of the hospital stay that it belongs to."""
    available = released(result)
    for reference in references([result.get("encounter", {})]):
        stay = near.others.get(reference, {})
        ended = instant((stay.get("period") or {}).get("end"))
        if str((stay.get("class") or {}).get("code")) in _STAYS and ended and available:
            return available > ended
    return False


def _pages(result: Resource, born: date | None, near: Around) -> bool:
    """RC-04, for each critical value of the result."""
    available = released(result)
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
        named = (near.others.get(name, {}) for name in references(message.get("about", [])))
        acts = [one for one in named if one.get("resourceType") == "Procedure"]
        found |= settled_by([*results, *acts], lambda one: _needs_of(one, born, near), near)
    return found


def _needs_of(result: Resource, born: date | None, near: Around) -> str:
    """The follow-up that a result names; empty for none."""
    return (_words(result, born, near) | nodule_words(result, born, near)).get("needs", "")


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


def spans_of(clocks: Clocks) -> list[str]:
    """Every span of a group of tests, as words say them."""
    spans = (clocks.collect, clocks.result, *clocks.review.values(), *clocks.tell.values())
    return [span.said for span in spans if span is not None]
