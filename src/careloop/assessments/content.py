"""Content files as values (content/assessments, content/needs, content/checkins). Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from careloop.assessments.model import (
    Action,
    Band,
    CheckIn,
    Choice,
    Content,
    Does,
    ForVisit,
    In,
    Instrument,
    Item,
    Missing,
    Need,
    OwnItem,
    Positive,
    Rescreen,
    Section,
    Subscale,
    When,
)

Document = Mapping[str, Any]


class Documents(Protocol):
    """What of the catalog is needed."""

    def documents(self, kind: str) -> dict[str, Document]:
        """The documents of a kind by name."""


_read: list[tuple[Documents, Content]] = []


def content_of(catalog: Documents) -> Content:
    """Read once for each catalog."""
    for known, content in _read:
        if known is catalog:
            return content
    content = read_content(catalog)
    _read[:] = [(catalog, content), *_read[:31]]
    return content


def read_content(catalog: Documents) -> Content:
    """All instruments, needs, check-ins and the words around them."""
    files = catalog.documents("assessments")
    read = {name: instrument(document) for name, document in files.items() if document["status"] != "draft"}
    checkins = [one for one in catalog.documents("checkins").values() if "sections" in one]
    words: Document = next((one for one in catalog.documents("checkins").values() if "texts" in one), {})
    return Content(
        instruments={one.id: one for name, one in read.items() if files[name]["status"] == "active"},
        old={f"{one.id}@{one.version}": one for one in read.values()},
        needs=tuple(need(one) for file in catalog.documents("needs").values() for one in file["needs"]),
        checkins={one["id"]: checkin(one) for one in checkins},
        texts=words.get("texts", {}),
        languages=tuple((one["code"], one["name"], one["reviewed"]) for one in words.get("languages", ())),
    )


def instrument(document: Document) -> Instrument:
    """One instrument."""
    score, licence, positive = document["score"], document["licence"], document.get("positive")
    low_high = score.get("range")
    severe = document.get("severe")
    return Instrument(
        id=document["id"],
        version=document["version"],
        title=document["title"],
        short=document["short"],
        about=document["about"],
        mark=document["mark"],
        reviewed=document["reviewed"] is not None,
        ship=licence["ship"],
        notice=licence["notice"],
        panel=document["loinc"]["panel"],
        total_code=score.get("code") or document["loinc"]["total"],
        method=score["method"],
        better=score["better"],
        items=tuple(_item(document, one) for one in document["items"]),
        lead=document.get("lead", ""),
        script=document.get("script", ""),
        note=document.get("note", ""),
        minutes=document.get("minutes", 3),
        unit=score.get("unit", "{score}"),
        range=(_number(low_high[0]), _number(low_high[1])) if low_high else None,
        missing=_missing(score.get("missing", {})),
        subscales=tuple(
            Subscale(id=one["id"], title=one["title"], items=tuple(one["items"])) for one in score.get("subscales", ())
        ),
        bands=tuple(
            Band(low=_number(one["from"]), high=_number(one["to"]), name=one["name"])
            for one in document.get("bands", ())
        ),
        positive=_positive(positive) if positive else None,
        severe=(_number(severe["at_least"]), severe["says"]) if severe else None,
        change={name: _number(value) for name, value in document.get("change", {}).items()},
        actions=tuple(_action(one) for one in document.get("actions", ())),
        rescreen=tuple(_rescreen(one) for one in document.get("rescreen", ())),
        visit=ForVisit(**{**document["visit"], "unless": tuple(document["visit"]["unless"])})
        if "visit" in document
        else None,
        needs=document.get("needs", False),
        fresh=document.get("fresh", "30 days"),
        aliases=tuple(document.get("aliases", ())),
        labels=tuple(document.get("labels", ())),
        by=frozenset(document.get("by", ("patient", "caregiver", "staff"))),
        score_private=bool(score.get("private") or document.get("private")),
        score_title=score.get("title", ""),
    )


def _item(document: Document, line: Document) -> Item:
    choices = document.get("lists", {}).get(line.get("list"), ())
    number = line.get("number", {})
    return Item(
        id=line["id"],
        label=line["label"],
        loinc=line.get("loinc"),
        text=line.get("text", ""),
        lead=line.get("lead", document.get("lead", "")),
        choices=tuple(_choice(one) for one in choices),
        values=tuple(_number(one) for one in line.get("values", ())),
        least=_number(number["min"]) if number else None,
        most=_number(number["max"]) if number else None,
        unit=number.get("unit", ""),
        many=line.get("many", False),
        scored=line.get("scored", True),
        reverse=line.get("reverse", False),
        weight=line.get("weight", 1),
        private=line.get("private", False) or document.get("private", False),
        crisis=line.get("crisis", False),
        only=_in(line.get("only")),
        unless=_in(line.get("unless")),
    )


def _choice(line: Document) -> Choice:
    score = line.get("score")
    return Choice(code=str(line["code"]), text=line["text"], score=None if score is None else _number(score))


def _in(line: Document | None) -> In | None:
    if line is None:
        return None
    counts = line.get("counts")
    return In(item=line["item"], codes=frozenset(line["in"]), counts=None if counts is None else _number(counts))


def _missing(line: Document) -> Missing:
    return Missing(most=line.get("most", 0), never=frozenset(line.get("never", ())))


def _positive(line: Document) -> Positive:
    return Positive(
        at_least=_number(line["at_least"]) if "at_least" in line else None,
        at_most=_number(line["at_most"]) if "at_most" in line else None,
        by_sex={sex: _number(value) for sex, value in line.get("by_sex", {}).items()},
        review_if_only=line.get("review_if_only"),
        any=tuple(one for one in map(_in, line.get("any", ())) if one is not None),
    )


def _action(line: Document) -> Action:
    return Action(
        id=line["id"],
        does=Does(line["does"]),
        rule=line["rule"],
        says=line["says"],
        due=line["due"],
        when=_when(line["when"]),
        priority=line.get("priority", "urgent"),
        ask=line.get("ask"),
        at_once=line.get("at_once", False),
        private=line.get("private", False),
        unless=line.get("unless"),
    )


def _when(line: Document) -> When:
    return When(
        item=line.get("item"),
        above=_number(line.get("above", 0)),
        unanswered=line.get("unanswered"),
        positive=line.get("positive", False),
        review=line.get("review", False),
        any=tuple(_when(one) for one in line.get("any", ())),
    )


def _rescreen(line: Document) -> Rescreen:
    when = line["when"]
    return Rescreen(
        every=line["every"],
        rule=line["rule"],
        says=line["says"],
        total_at_least=_number(when["total_at_least"]) if "total_at_least" in when else None,
        was_positive=when.get("was_positive"),
    )


def need(line: Document) -> Need:
    """One social need."""
    return Need(
        id=line["id"],
        title=line["title"],
        task=line["task"],
        icd10=tuple(line["icd10"]),
        due=line["due"],
        category=line.get("category"),
        snomed=line.get("snomed"),
        private=line.get("private", False),
        safety=line.get("safety", False),
        answers=tuple(
            ("loinc" if "loinc" in one else "item", one.get("loinc") or one["item"], frozenset(one["in"]))
            for one in line["answers"]
        ),
    )


def checkin(document: Document) -> CheckIn:
    """One conversation."""
    return CheckIn(
        id=document["id"],
        version=document["version"],
        title=document["title"],
        short=document["short"],
        welcome=document["welcome"],
        sections=tuple(_section(one) for one in document["sections"]),
        reviewed=document["reviewed"] is not None,
    )


def _section(line: Document) -> Section:
    then = line.get("then")
    return Section(
        id=line["id"],
        title=line["title"],
        by=frozenset(line["by"]),
        script=line.get("script", ""),
        items=tuple(_own_item(one) for one in line.get("items", ())),
        instrument=line.get("instrument"),
        every=line.get("every", ""),
        unless_fresh=line.get("unless_fresh"),
        from_age=line.get("from_age"),
        offers_help=line.get("offers_help", False),
        then=(then["instrument"], _number(then["when_total_at_least"])) if then else None,
    )


_CONFIRM = (
    Choice(code="right", text="Yes, it is right", score=None),
    Choice(code="changed", text="No, something changed", score=None),
)


def _own_item(line: Document) -> OwnItem:
    choices = tuple(_choice(one) for one in line.get("choices", ()))
    return OwnItem(
        id=line["id"],
        kind=line["kind"],
        label=line["label"],
        text=line["text"],
        fresh=line["fresh"],
        hint=line.get("hint", ""),
        known=line.get("known"),
        becomes=line.get("becomes"),
        contradicted_by=frozenset(line.get("contradicted_by", ())),
        choices=_CONFIRM if line["kind"] == "confirm" else choices,
        unit=line.get("unit", ""),
        most=line.get("max"),
    )


def _number(value: Any) -> Decimal:
    return Decimal(str(value))
