"""`MedicationRequest`, `MedicationStatement` and `MedicationDispense` as a `Medicine`. Pure: what is not stated, or
cannot be understood, stays unknown; nothing is guessed into an active or a stopped one."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.medications.dosages import dosages_of, route_of
from careloop.medications.drugs import RXNORM, Drugs
from careloop.medications.model import (
    Ingredient,
    Medicine,
    Origin,
    Release,
    Resource,
    Route,
    Status,
    Strength,
)
from careloop.medications.products import Product, product_of
from careloop.medications.quantities import strength_of

Resolve = Callable[[str], Resource | None]
TYPES = ("MedicationRequest", "MedicationStatement", "MedicationDispense")
"""The resources that a list of medicines is made of."""

_STATUS: Mapping[str, Mapping[str, Status]] = {
    "MedicationRequest": {
        "active": Status.ACTIVE,
        "on-hold": Status.ON_HOLD,
        "cancelled": Status.STOPPED,
        "stopped": Status.STOPPED,
        "completed": Status.COMPLETED,
        "entered-in-error": Status.ENTERED_IN_ERROR,
        "draft": Status.INTENDED,
    },
    "MedicationStatement": {
        "active": Status.ACTIVE,
        "intended": Status.INTENDED,
        "on-hold": Status.ON_HOLD,
        "stopped": Status.STOPPED,
        "completed": Status.COMPLETED,
        "not-taken": Status.NOT_TAKEN,
        "entered-in-error": Status.ENTERED_IN_ERROR,
    },
    "MedicationDispense": {
        "completed": Status.COMPLETED,
        "in-progress": Status.ACTIVE,
        "preparation": Status.INTENDED,
        "on-hold": Status.ON_HOLD,
        "cancelled": Status.STOPPED,
        "declined": Status.STOPPED,
        "stopped": Status.STOPPED,
        "entered-in-error": Status.ENTERED_IN_ERROR,
    },
}


def read_medicine(resource: Resource, drugs: Drugs, *, resolve: Resolve | None = None) -> Medicine:
    """The medicine that this resource states. `resolve` finds a Medication elsewhere; contained ones are found here."""
    kind = str(resource["resourceType"])
    concept, medication = _what(resource, resolve)
    codes = _codes(concept)
    text = _words(concept) or str(_mapping(resource.get("medicationReference")).get("display") or "")
    product, doubt = _product(codes, text, concept, medication, drugs)
    start, end = _period(resource, kind)
    lines = _sequence(resource, "dosage" if kind == "MedicationStatement" else "dosageInstruction")
    stated = next((route for one in lines if (route := route_of(one, drugs.words)) is not Route.UNKNOWN), product.route)
    return Medicine(
        reference=f"{kind}/{resource.get('id', '')}",
        text=text or _named(product),
        codes=codes,
        ingredients=product.ingredients,
        strengths=product.strengths,
        dosages=dosages_of(lines, drugs.words),
        route=stated,
        form=product.form,
        release=product.release,
        status=_status(resource, kind),
        start=start,
        end=end,
        origin=_origin(resource, kind),
        source=_source(resource, kind),
        recorded=_day(_mapping(resource.get("meta")).get("lastUpdated")),
        days_supply=_days_supply(resource),
        reasons=frozenset(code for one in _sequence(resource, "reasonCode") for code in _codes(one)),
        reason_text="; ".join(filter(None, (_words(one) for one in _sequence(resource, "reasonCode")))),
        stop_reason=_stop_reason(resource),
        doubt=doubt,
        notes="; ".join(str(one.get("text", "")) for one in _sequence(resource, "note") if one.get("text")),
    )


def _what(resource: Resource, resolve: Resolve | None) -> tuple[Resource, Resource]:
    """The concept that names the product, and the Medication behind it, empty where there is none."""
    concept = _mapping(resource.get("medicationCodeableConcept"))
    reference = str(_mapping(resource.get("medicationReference")).get("reference") or "")
    if not reference:
        return concept, {}
    if reference.startswith("#"):
        inside = (one for one in _sequence(resource, "contained") if one.get("id") == reference[1:])
        medication: Resource = next(inside, {})
    else:
        medication = (resolve(reference) if resolve else None) or {}
    return concept or _mapping(medication.get("code")), medication


def _product(
    codes: frozenset[str], text: str, concept: Resource, medication: Resource, drugs: Drugs
) -> tuple[Product, str]:
    """What the code says, else what the words say, else what the Medication is made of; and any doubt about it."""
    displays = [str(one["display"]) for one in _sequence(concept, "coding") if one.get("display")]
    spoken = [product_of(one, drugs) for one in dict.fromkeys([*displays, text]) if one]
    said = max(spoken, key=_worth, default=Product())
    coded = _coded(codes, drugs)
    made = _made(medication, drugs)
    best = next((one for one in (coded, said, made) if any(each.known for each in one.ingredients)), None)
    if best is None:
        return (said if said.ingredients else made), ""
    known = {one.key for one in said.ingredients if one.known}
    if best is coded and known and known.isdisjoint(one.key for one in coded.ingredients):
        return coded, "the code and the name do not mean the same medicine"
    return _filled(best, said, made), ""


def _worth(product: Product) -> tuple[int, int, int, bool]:
    known = sum(one.known for one in product.ingredients)
    told = sum(one is not None for one in product.strengths)
    return known, -(len(product.ingredients) - known), told, bool(product.form)


def _filled(best: Product, *others: Product) -> Product:
    """`best`, with what it leaves open said by the others about the same ingredients."""
    alike = [one for one in others if one.ingredients == best.ingredients]
    strengths = best.strengths
    for one in alike:
        strengths = tuple(mine or theirs for mine, theirs in zip(strengths, one.strengths, strict=True))
    told = (best, *others)
    return Product(
        ingredients=best.ingredients,
        strengths=strengths,
        form=next((one.form for one in told if one.form), ""),
        route=next((one.route for one in told if one.route is not Route.UNKNOWN), Route.UNKNOWN),
        release=next((one.release for one in told if one.release is not Release.UNKNOWN), Release.UNKNOWN),
    )


def _coded(codes: frozenset[str], drugs: Drugs) -> Product:
    """By RxNorm: an ingredient's own code, or a clinical or branded drug that our table holds."""
    found: list[Ingredient] = []
    for code in sorted(codes):
        system, _, value = code.rpartition("|")
        if system != RXNORM:
            continue
        if (name := drugs.products.get(value)) is not None:
            return product_of(name, drugs)
        if (one := drugs.by_rxcui.get(value)) is not None and one not in found:
            found.append(one)
    return Product(ingredients=tuple(found), strengths=(None,) * len(found))


def _made(medication: Resource, drugs: Drugs) -> Product:
    """By `Medication.ingredient`, with the strengths that stand there."""
    found: list[Ingredient] = []
    strengths: list[Strength | None] = []
    for one in _sequence(medication, "ingredient"):
        concept = _mapping(one.get("itemCodeableConcept"))
        if one.get("isActive") is False or not concept:
            continue
        words = _words(concept)
        product = _coded(_codes(concept), drugs)
        product = product if product.ingredients else product_of(words, drugs)
        for each in product.ingredients or (Ingredient(name=words.lower(), known=False),) * bool(words):
            found.append(each)
            strengths.append(strength_of(one.get("strength"), drugs.words))
    form = product_of(_words(_mapping(medication.get("form"))), drugs) if medication.get("form") else Product()
    return Product(tuple(found), tuple(strengths), form.form, form.route, form.release)


def _named(product: Product) -> str:
    return " / ".join(one.name for one in product.ingredients)


def _status(resource: Resource, kind: str) -> Status:
    if resource.get("doNotPerform") is True:
        return Status.NOT_TAKEN
    if kind == "MedicationRequest" and resource.get("intent") in ("proposal", "plan", "option"):
        stated = _STATUS[kind].get(str(resource.get("status")), Status.UNKNOWN)
        return Status.INTENDED if stated is Status.ACTIVE and resource["intent"] != "plan" else stated
    return _STATUS[kind].get(str(resource.get("status")), Status.UNKNOWN)


def _period(resource: Resource, kind: str) -> tuple[date | None, date | None]:
    if kind == "MedicationDispense":
        return _day(resource.get("whenHandedOver")) or _day(resource.get("whenPrepared")), None
    if kind == "MedicationStatement":
        period = _mapping(resource.get("effectivePeriod"))
        start = _day(period.get("start")) or _day(resource.get("effectiveDateTime"))
        return start, _last_day(period.get("end"))
    bounds = [
        _mapping(_mapping(_mapping(one.get("timing")).get("repeat")).get("boundsPeriod"))
        for one in _sequence(resource, "dosageInstruction")
    ]
    starts = [day for one in bounds if (day := _day(one.get("start"))) is not None]
    ends = [_last_day(one.get("end")) for one in bounds]
    end = max(day for day in ends if day is not None) if ends and all(ends) else None
    return min(starts, default=None) or _day(resource.get("authoredOn")), end


def _origin(resource: Resource, kind: str) -> Origin:
    if kind == "MedicationDispense":
        return Origin.FILL
    told = str(_mapping(resource.get("informationSource") or resource.get("reportedReference")).get("reference") or "")
    if told.startswith("Patient/"):
        return Origin.PATIENT
    if told.startswith("RelatedPerson/"):
        return Origin.CAREGIVER
    if kind == "MedicationStatement" or resource.get("reportedBoolean") is True or told:
        return Origin.STATEMENT
    return Origin.ORDER


def _source(resource: Resource, kind: str) -> str:
    """Who is named as having told or ordered it: a display, else a reference."""
    names = {"MedicationStatement": ("informationSource",), "MedicationRequest": ("reportedReference", "requester")}
    told = [_mapping(resource.get(name)) for name in names.get(kind, ())]
    told += [_mapping(one.get("actor")) for one in _sequence(resource, "performer")]
    return next((str(one.get("display") or one.get("reference")) for one in told if one), "")


def _days_supply(resource: Resource) -> int | None:
    supply = resource.get("daysSupply") or _mapping(resource.get("dispenseRequest")).get("expectedSupplyDuration")
    value, unit = (
        _mapping(supply).get("value"),
        str(_mapping(supply).get("code") or _mapping(supply).get("unit") or "d"),
    )
    days = {"d": 1, "day": 1, "days": 1, "wk": 7, "mo": 30}.get(unit.lower())
    try:
        return int(Decimal(str(value)) * days) if value is not None and days else None
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _stop_reason(resource: Resource) -> str:
    reason = resource.get("statusReason")
    concepts: Sequence[Any] = reason if isinstance(reason, list) else [reason] if reason else []
    return "; ".join(filter(None, (_words(_mapping(one)) for one in concepts)))


def _codes(concept: Resource) -> frozenset[str]:
    return frozenset(
        f"{one.get('system', '')}|{one['code']}" for one in _sequence(concept, "coding") if one.get("code")
    )


def _words(concept: Resource) -> str:
    displays = [str(one["display"]) for one in _sequence(concept, "coding") if one.get("display")]
    return str(concept.get("text") or next(iter(displays), ""))


def _day(text: Any) -> date | None:
    """The first day that a FHIR date or instant can mean."""
    if not isinstance(text, str) or len(text) < 4:
        return None
    try:
        return date.fromisoformat(f"{text[:10]}-01-01"[:10])
    except ValueError:
        return None


def _last_day(text: Any) -> date | None:
    """The last day that a FHIR date can mean: an end in `2026-05` is the 31st."""
    first = _day(text)
    if first is None or len(text) >= 10:
        return first
    if len(text) == 4:
        return date(first.year, 12, 31)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def _mapping(value: Any) -> Resource:
    return value if isinstance(value, Mapping) else {}


def _sequence(resource: Resource, name: str) -> list[Resource]:
    found = resource.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
