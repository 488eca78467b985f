"""Plans and goals of other sources about a person, read from the record with what they refer to."""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.careplans.others import OtherPlan, other_goal, other_plan, references_of
from careloop.careplans.resources import is_in_own_words, is_of_library, is_shared
from careloop.db import Transaction
from careloop.flows.app import App
from careloop.flows.document_facts import SOURCE
from careloop.record import Stored

GOAL_STANDS = ("proposed", "planned", "accepted", "active")
LOOSE = "goals"
"""The name of what is made of goals that no plan holds together."""
Json = Mapping[str, Any]


def other_plans(app: App, tx: Transaction, stored: Sequence[Stored]) -> tuple[OtherPlan, ...]:
    """Every plan that is not ours, those that hold first, the newest before; goals of others that stand in no plan are
    one more. `stored` are the patient's CarePlan and Goal resources."""
    plans = [one.resource for one in stored if one.resource_type == "CarePlan" and not is_shared(one.resource)]
    plans = [one for one in plans if one.get("status") != "entered-in-error"]
    goals = [one.resource for one in stored if one.resource_type == "Goal"]
    foreign = {f"Goal/{one['id']}": one for one in goals if not is_of_library(one) and not is_in_own_words(one)}
    loose = _loose(plans, foreign)
    if not plans and not loose:
        return ()
    wanted = {ref for one in plans for ref in references_of(one)}
    wanted |= {f"DocumentReference/{one}" for one in map(_document, plans) if one}
    found = {ref: one.resource for ref, one in app.record.fetch(tx, sorted(wanted)).items() if not one.deleted}
    all_of_them = {**found, **{f"Goal/{one['id']}": one for one in goals}}
    read = [other_plan(one, all_of_them, _told_by(one, found)) for one in plans]
    read.sort(key=lambda one: one.on, reverse=True)
    read.sort(key=lambda one: not one.holds)
    return (*read, *loose)


def _loose(plans: Sequence[Json], foreign: Mapping[str, Json]) -> tuple[OtherPlan, ...]:
    held = {str(one.get("reference")) for plan in plans for one in plan.get("goal", ())}
    goals = [one for ref, one in foreign.items() if ref not in held and one.get("lifecycleStatus") in GOAL_STANDS]
    if not goals:
        return ()
    return (
        OtherPlan(
            id=LOOSE,
            title="Goals in no plan",
            source="Other sources",
            status="active",
            goals=tuple(other_goal(one) for one in goals),
        ),
    )


def _document(resource: Json) -> str:
    """The id of the document that told it, empty where none did."""
    source = str(resource.get("meta", {}).get("source", ""))
    return source.removeprefix(SOURCE) if source.startswith(SOURCE) else ""


def _told_by(resource: Json, found: Mapping[str, Json]) -> str:
    document = found.get(f"DocumentReference/{_document(resource)}", {})
    return str(document.get("custodian", {}).get("display") or document.get("description") or "")
