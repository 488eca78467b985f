"""A rule as a form: the parts that a practice may change, each with its place; and the form back as a rule. Pure.

Names of fields are places in the document, steps by their id: `steps.contact.due.within`. A length of time has two
fields, `….amount` and `….unit`; an escalation has `….when`, `….amount`, `….unit` and `….role`.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.errors import Fault

Document = Mapping[str, Any]

UNITS = ("minutes", "hours", "days", "business-days", "months")
DUE, OPENED, SHARE = "due", "opening", "share"
WHEN = {DUE: "after its deadline", OPENED: "after it opened", SHARE: "percent of its time passed"}
MORE_ESCALATIONS = 1
"""Empty rows for somebody else to call."""
_MOST = 10_000
_MOST_PERCENT = 999
_LONGEST_TEXT = 300
_CLOCKS = {
    "within": "Time to do it",
    "target": "Aim",
    "otherwise": "Time to do it otherwise",
    "after_expected_result": "After the result is expected",
    "expected_when_unknown": "A result is expected within, if nobody says",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing that can be changed. `kind` is `text`, `span`, `role`, `points` or `escalation`."""

    name: str
    label: str
    kind: str
    text: str = ""
    amount: str = ""
    unit: str = ""
    role: str = ""
    when: str = ""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Fields that belong together: the whole rule, or one of its steps. `rule` is where the clock comes from."""

    name: str
    title: str
    rule: str
    fields: Sequence[Field]


def form_of(kind: str, document: Document) -> list[Group]:
    """The rule as groups of fields."""
    if kind == "worklist":
        return [_weights(document)]
    return [_whole(document), *(_step(step) for step in document["steps"])]


def _weights(document: Document) -> Group:
    points = [
        Field(name=f"points.{name}", label=entry["says"].capitalize(), kind="points", amount=str(entry["points"]))
        for name, entry in document["points"].items()
    ]
    first = Field(name="now_from", label="Do now, from so many points", kind="points", amount=str(document["now_from"]))
    return Group(name="weights", title="Points", rule="ui.md 7.1", fields=[first, *points])


def _whole(document: Document) -> Group:
    texts = [("title", "Name of the loop"), ("line", "Line on lists; {day} stands for the day"),
             ("patient_says", "What the patient is told")]  # fmt: skip
    fields = [
        Field(name=name, label=label, kind="text", text=document[name]) for name, label in texts if document.get(name)
    ]
    window = document["window"]
    fields.append(_span("window.within", "The whole loop is over after", window["within"]))
    return Group(name="whole", title="The whole loop", rule=window["rule"], fields=fields)


def _step(step: Document) -> Group:
    at = f"steps.{step['id']}"
    fields = [
        Field(name=f"{at}.title", label="What is to be done", kind="text", text=step["title"]),
        Field(name=f"{at}.owner", label="Who owns it", kind="role", role=step["owner"]["role"]),
        *_clocks(f"{at}.due", step["due"]),
    ]
    if "attempts" in step:
        says = step["attempts"]["says"]
        fields.append(
            Field(name=f"{at}.attempts.says", label="What is said after enough tries", kind="text", text=says)
        )
    rows: list[Document] = [*step.get("escalate", ()), *[{}] * MORE_ESCALATIONS]
    fields += [_escalation(f"{at}.escalate.{number}", number, row) for number, row in enumerate(rows, start=1)]
    return Group(name=step["id"], title=step["title"], rule=step["due"]["rule"], fields=fields)


def _clocks(at: str, due: Document) -> Iterator[Field]:
    for name, label in _CLOCKS.items():
        value = due.get(name)
        if isinstance(value, Mapping):
            words = due.get("by", "it")
            yield from (
                _span(f"{at}.{name}.{key}", f"{label} when {words} is {key}", one) for key, one in value.items()
            )
        elif value is not None:
            yield _span(f"{at}.{name}", label, value)
    for tier, value in due.get("by_tier", {}).items():
        yield _span(f"{at}.by_tier.{tier}", f"Time to do it when risk is {tier}", value)


def _span(name: str, label: str, text: str) -> Field:
    amount, unit = text.split()
    return Field(name=name, label=label, kind="span", amount=amount, unit=unit if unit.endswith("s") else f"{unit}s")


def _escalation(name: str, number: int, row: Document) -> Field:
    label = f"Who else is called, {number}"
    if not row:
        return Field(name=name, label=label, kind="escalation", when=DUE, unit="business-days")
    if "share" in row:
        amount = str(row["share"]).split()[0]
        return Field(name=name, label=label, kind="escalation", when=SHARE, amount=amount, role=row["to"]["role"])
    amount, _, unit = str(row.get("by", "")).partition(" ")
    unit = unit if unit.endswith("s") or not unit else f"{unit}s"
    return Field(
        name=name, label=label, kind="escalation", when=row["after"], amount=amount, unit=unit, role=row["to"]["role"]
    )


def apply_form(kind: str, document: Document, form: Mapping[str, str]) -> tuple[dict[str, Any], list[Fault]]:
    """The document with what the form says, and every field that cannot be read. A field that is not in the form stays
    as it was."""
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    faults: list[Fault] = []
    for group in form_of(kind, document):
        for field in group.fields:
            if field.kind != "escalation":
                _set_field(changed, field, form, faults)
    for step in changed["steps"] if kind == "pathways" else ():
        _set_escalations(step, form, faults)
    return changed, faults


def _set_field(changed: dict[str, Any], field: Field, form: Mapping[str, str], faults: list[Fault]) -> None:
    if field.kind == "text" and field.name in form:
        text = " ".join(form[field.name].split())
        if not 3 <= len(text) <= _LONGEST_TEXT:
            faults.append(Fault(at=field.name, expected=f"3 to {_LONGEST_TEXT} letters", code="value"))
        _put(changed, field.name, text)
    elif field.kind == "role" and field.name in form:
        _put(changed, f"{field.name}.role", form[field.name])
    elif field.kind == "points" and field.name in form:
        points = _whole_number(form[field.name], 0, faults, field.name)
        _put(changed, field.name if field.name == "now_from" else f"{field.name}.points", points)
    elif field.kind == "span" and f"{field.name}.amount" in form:
        _put(changed, field.name, _length(form, field.name, faults))


def _length(form: Mapping[str, str], name: str, faults: list[Fault]) -> str:
    amount = _whole_number(form[f"{name}.amount"], 1, faults, name)
    unit = form.get(f"{name}.unit", "")
    if unit not in UNITS:
        faults.append(Fault(at=name, expected=f"one of {', '.join(UNITS)}", code="value"))
        unit = UNITS[0]
    return f"{amount} {unit.removesuffix('s') if amount == 1 else unit}"


def _whole_number(text: str, least: int, faults: list[Fault], at: str) -> int:
    if text.isascii() and text.isdigit() and least <= int(text) <= _MOST:
        return int(text)
    faults.append(Fault(at=at, expected=f"a whole number from {least} to {_MOST:,}", code="value"))
    return least


def _set_escalations(step: dict[str, Any], form: Mapping[str, str], faults: list[Fault]) -> None:
    """The rows whose role is chosen; a row without one is gone. Without any row in the form they stay as they are."""
    at = f"steps.{step['id']}.escalate"
    rows: list[Document] = [*step.get("escalate", ()), *[{}] * MORE_ESCALATIONS]
    named = [(f"{at}.{number}", row) for number, row in enumerate(rows, start=1) if f"{at}.{number}.role" in form]
    if not named:
        return
    found = [
        {**_called(form, name, faults), **({"only_when": row["only_when"]} if "only_when" in row else {})}
        for name, row in named
        if form[f"{name}.role"]
    ]
    if found:
        step["escalate"] = found
    else:
        step.pop("escalate", None)


def _called(form: Mapping[str, str], name: str, faults: list[Fault]) -> dict[str, Any]:
    when, to = form.get(f"{name}.when", DUE), {"role": form[f"{name}.role"]}
    if when == SHARE:
        percent = _whole_number(form.get(f"{name}.amount", ""), 1, faults, name)
        if percent > _MOST_PERCENT:
            faults.append(Fault(at=name, expected=f"1 to {_MOST_PERCENT} percent", code="value"))
        return {"share": f"{percent} percent", "to": to}
    if when not in WHEN:
        faults.append(Fault(at=name, expected=f"one of {', '.join(WHEN)}", code="value"))
    if not form.get(f"{name}.amount"):
        return {"after": when, "to": to}
    return {"after": when, "by": _length(form, name, faults), "to": to}


def _put(document: dict[str, Any], name: str, value: Any) -> None:
    """The value stands at this place; steps are found by their id."""
    *parts, last = name.split(".")
    place: Any = document
    for part in parts:
        place = next(one for one in place if one["id"] == part) if isinstance(place, list) else place[part]
    place[last] = value


def changes(kind: str, before: Document, after: Document) -> list[tuple[str, str, str]]:
    """What differs between two versions, in words: where, as it was, as it is."""
    old, new = _said(kind, before), _said(kind, after)
    return [
        (place, old.get(place, "nothing"), new.get(place, "nothing"))
        for place in dict.fromkeys([*old, *new])
        if old.get(place) != new.get(place)
    ]


def _said(kind: str, document: Document) -> dict[str, str]:
    found = {}
    for group in form_of(kind, document):
        for field in group.fields:
            words = _field_words(field)
            if words:
                name = (
                    field.label if kind == "worklist" else f"{group.title}: {field.label[0].lower()}{field.label[1:]}"
                )
                found[name if field.kind != "text" else f"{group.name}: {field.label[0].lower()}{field.label[1:]}"] = (
                    words
                )
    return found


def _field_words(field: Field) -> str:
    length = f"{field.amount} {field.unit.replace('-', ' ')}".strip()
    if field.kind == "text":
        return field.text
    if field.kind == "role":
        return field.role.replace("-", " ")
    if field.kind == "points":
        return f"{field.amount} points"
    if field.kind == "span":
        return length
    if not field.role:
        return ""
    if field.when == SHARE:
        return f"{field.role} when {field.amount} {WHEN[SHARE]}"
    return f"{field.role}, {length} {WHEN[field.when]}" if field.amount else f"{field.role}, {WHEN[field.when]}"
