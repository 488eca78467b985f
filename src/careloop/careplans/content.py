"""`content/careplans` and `content/planning` as values."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from careloop.careplans.model import (
    Advice,
    Goal,
    Interval,
    Intervention,
    Kind,
    Planning,
    Reason,
    Subject,
    SubjectKind,
    Template,
    Together,
    Whose,
)
from careloop.careplans.rules.recognising import Recognition, StepWords, SubjectWords
from careloop.catalog import Catalog

Document = Mapping[str, Any]


def planning_of(catalog: Catalog) -> Planning:
    """All plans there are and how they become one; retired and draft ones are left out."""
    rules = catalog.document("planning", "merging")
    documents = catalog.documents("careplans").values()
    return Planning(
        templates={one["id"]: _template(one) for one in documents if one["status"] == "active"},
        kinds={
            one["id"]: Kind(id=one["id"], title=one["title"], word=one["word"], together=one.get("together"))
            for one in rules["kinds"]
        },
        together={one["id"]: Together(**one) for one in rules["together"]},
        subjects={
            one["id"]: Subject(
                id=one["id"], title=one["title"], kind=SubjectKind(one["kind"]), unit=one.get("unit", "")
            )
            for one in rules["subjects"]
        },
        reasons={
            one["id"]: Reason(id=one["id"], title=one["title"], whose=Whose(one["whose"])) for one in rules["reasons"]
        },
        owners=tuple(rules["owners"]),
        travel_minutes=rules["travel_minutes"],
    )


def recognition_of(catalog: Catalog) -> Recognition:
    """How plans of other sources are read."""
    words = catalog.document("planning", "recognising")
    return Recognition(
        steps=tuple(
            StepWords(does=one["does"], codes=tuple(one["codes"]), words=tuple(one["words"])) for one in words["steps"]
        ),
        subjects=tuple(_subject_words(one) for one in words["subjects"]),
        directions=words["directions"],
        choices=words["choices"],
    )


def _subject_words(one: Document) -> SubjectWords:
    between = one.get("between")
    return SubjectWords(
        subject=one["subject"],
        codes=tuple(one["codes"]),
        words=tuple(one["words"]),
        units={unit: Decimal(str(scale)) for unit, scale in one.get("units", {}).items()},
        between=(Decimal(str(between[0])), Decimal(str(between[1]))) if between else None,
        plain=one.get("plain", ""),
    )


def _template(document: Document) -> Template:
    plan = document["id"]
    return Template(
        id=plan,
        title=document["title"],
        patient_title=document["patient_title"],
        patient_says=document["patient_says"],
        applies=tuple(document["applies"]),
        goals=tuple(_goal(plan, one) for one in document["goals"]),
        interventions=tuple(_intervention(plan, one) for one in document["interventions"]),
        advice=tuple(_advice(plan, one) for one in document["advice"]),
        version=document["version"],
        reviewed=document["reviewed"] is not None,
    )


def _goal(plan: str, one: Document) -> Goal:
    measure = one.get("measure", {})
    return Goal(
        key=f"{plan}/{one['id']}",
        title=one["title"],
        patient=one["patient"],
        within_days=_days(one["within"]),
        safety=one.get("safety", False),
        loinc=measure.get("loinc"),
        unit=measure.get("unit"),
    )


def _intervention(plan: str, one: Document) -> Intervention:
    shown = one.get("shown_by", {})
    return Intervention(
        key=f"{plan}/{one['id']}",
        title=one["title"],
        patient=one["patient"],
        does=one["does"],
        every=Interval.of(one["every"]),
        minutes=one["minutes"],
        owner=one["owner"],
        goal=f"{plan}/{one['goal']}",
        effect=one["effect"],
        evidence=f"{one['evidence']['ref']}: {one['evidence']['says']}",
        mark=one["evidence"]["mark"],
        review_days=_days(one["review"]),
        loinc=shown.get("loinc"),
        encounter=shown.get("encounter"),
    )


def _advice(plan: str, one: Document) -> Advice:
    return Advice(
        plan=plan,
        subject=one["subject"],
        says=one["says"],
        patient=one["patient"],
        goal=f"{plan}/{one['goal']}",
        ref=one["ref"],
        mark=one["mark"],
        at_least=_number(one, "at_least"),
        at_most=_number(one, "at_most"),
        choose=one.get("choose"),
    )


def _number(one: Document, name: str) -> Decimal | None:
    return Decimal(str(one[name])) if name in one else None


def _days(words: str) -> int:
    return int(words.split()[0])
