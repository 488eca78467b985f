"""Words of what follows from a result: which act satisfies which need, and the next scan for a lung nodule.

A need is never satisfied by reading the result that names it: what was done has a result of its own, and that one came
later (results.md section 3). A TSH, a mammogram or a CT is followed by another test of its own kind.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from careloop.loops.rules.abnormal import closes, kinds_of
from careloop.loops.rules.nodules import Advice, Nodule, advise
from careloop.loops.rules.result_around import Around, Resource, instant, name_of, references, released
from careloop.loops.rules.result_tables import ResultTables
from careloop.loops.rules.result_values import codes_in

NEXT_SCAN = "chest-ct"
_NODULE_PART = "urn:careloop:nodule|"


def does_at_once(done: frozenset[str], tables: ResultTables) -> dict[str, str]:
    """Needs that something satisfies by itself, where there is no result to read."""
    kinds = tables.follow_ups.kinds
    fitting = frozenset(name for name in done if not kinds[name].has_result)
    return {"does": " ".join(sorted(closes(fitting, tables.follow_ups)))} if fitting else {}


def settled_by(read: Iterable[Resource], needs_of: Callable[[Resource], str], near: Around) -> dict[str, str]:
    """Whose follow-up is done and read with these results."""
    settled = set[str]()
    for one in read:
        done = closes(_kinds_done(one, near), near.tables.follow_ups)
        if done:
            settled |= {near.root(earlier) for earlier in _before(one, near) if needs_of(earlier) in done}
    return {"settles": " ".join(sorted(settled))} if settled else {}


def _before(result: Resource, near: Around) -> Iterator[Resource]:
    """Results that could be read before this one; never the report that holds it."""
    at, own = released(result) or instant(_performed(result)), name_of(result)
    for family in near.by_order.values() if at else ():
        for one in family:
            known = released(one)
            holds = own in references(one.get("result", []))
            if name_of(one) != own and not holds and known is not None and at is not None and known < at:
                yield one


def _performed(act: Resource) -> object:
    return act.get("performedDateTime") or (act.get("performedPeriod") or {}).get("end")


def _kinds_done(result: Resource, near: Around) -> frozenset[str]:
    """The kinds of follow-up that a result is of: by itself, by its order, by the procedure it is of."""
    found = set(kinds_of(result, near.tables.follow_ups))
    for other in _beside(name_of(result), result, near):
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


def nodule_words(result: Resource, born: date | None, near: Around) -> dict[str, str]:
    """What the table says of the nodule that somebody wrote down about this result; nothing where nobody did."""
    noted = near.nodules.get(name_of(result))
    nodule = nodule_of(noted, born) if noted is not None else None
    available = released(result)
    if nodule is None or available is None:
        return {"nodule": "it cannot be read; a specialist decides", "follow-up": "decide"} if noted else {}
    advice = advise(nodule, near.tables.nodules)
    if advice.row is None:
        return {"nodule": advice.because, "follow-up": "decide", "finding": "abnormal"}
    if advice.first is None or advice.overdue_from is None:
        return {"nodule": f"{advice.size_mm} mm: {advice.because}"}
    day = available.date()
    limit, target = advice.overdue_from - timedelta(days=1), advice.first
    return {
        "nodule": said_of(advice),
        "follow-up": "named",
        "needs": NEXT_SCAN,
        "finding": "abnormal",
        "follow-up-limit": f"{(limit - day).days}-days",
        "follow-up-target": f"{(target - day).days}-days",
    }


def said_of(advice: Advice) -> str:
    """The recommendation in a line."""
    later = f", then {advice.row.later} months" if advice.row and advice.row.later else ""
    window = f", {advice.first} to {advice.last}" if advice.first != advice.last else f", {advice.first}"
    return f"{advice.size_mm} mm: {advice.because}{window}{later}"


def nodule_of(noted: Resource, born: date | None) -> Nodule | None:
    """The nodule of an Observation `urn:careloop:finding|lung-nodule`; None where something is missing in it."""
    words, sizes = _parts(noted)
    scanned = _day(str(noted.get("effectiveDateTime", ""))[:10])
    kind, count = next(iter(words.get("type", [])), ""), next(iter(words.get("count", [])), "")
    if not (kind and count and scanned and born and "long" in sizes and "short" in sizes):
        return None
    return Nodule(
        type=kind,
        count=count,
        long_mm=sizes["long"],
        short_mm=sizes["short"],
        high_risk="high" in words.get("risk", []),
        birth_date=born,
        scanned=scanned,
        excluded=frozenset(words.get("excluded", [])),
    )


def _parts(noted: Resource) -> tuple[dict[str, list[str]], dict[str, Decimal]]:
    """Codes and sizes in millimetres by the name of the component."""
    words: dict[str, list[str]] = {}
    sizes: dict[str, Decimal] = {}
    for part in noted.get("component", ()):
        codes = codes_in(part.get("valueCodeableConcept", {}))
        size = _number((part.get("valueQuantity") or {}).get("value"))
        for named in codes_in(part.get("code", {})):
            if named.startswith(_NODULE_PART):
                name = named.removeprefix(_NODULE_PART)
                words.setdefault(name, []).extend(code.rpartition("|")[2] for code in codes)
                sizes |= {name: size} if size is not None else {}
    return words, sizes


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
