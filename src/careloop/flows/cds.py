"""CDS Hooks 2.0: which services there are, who may ask them, what they answer, what became of their cards."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access import cds_issuers
from careloop.access.cds_issuers import Issuer
from careloop.access.model import Principal, Tenant
from careloop.access.policy import Action, require_action
from careloop.errors import NotFound, Rejected
from careloop.fhir.dates import parse_instant
from careloop.flows import cds_medicines, cds_orders, engine, known_people, open_loops
from careloop.flows.app import App
from careloop.flows.cds_cards import Place, loop_card
from careloop.flows.interactions import Interaction
from careloop.record import Stored

PATIENT_VIEW, ORDER_SIGN = "careloop-patient-view", "careloop-order-sign"
ORDER_SELECT = "careloop-order-select"
SERVICES: Sequence[Mapping[str, Any]] = (
    {
        "hook": "patient-view",
        "id": PATIENT_VIEW,
        "title": "Open loops",
        "description": "What is still open for this patient: next step, deadline and owner",
        "prefetch": {"patient": "Patient/{{context.patientId}}"},
    },
    {
        "hook": "order-sign",
        "id": ORDER_SIGN,
        "title": "Same test or service lately, and safety of medicines",
        "description": "Whether the same was done or ordered lately, anywhere that the shared record knows of; what is "
        "dangerous about drafted medicines beside those that are taken",
        "prefetch": {"patient": "Patient/{{context.patientId}}"},
    },
    {
        "hook": "order-select",
        "id": ORDER_SELECT,
        "title": "Safety of medicines",
        "description": "What is dangerous about selected medicines beside those that are taken, with its source",
        "prefetch": {"patient": "Patient/{{context.patientId}}"},
    },
)
"""The discovery answer (CDS Hooks 2.0, "Discovery")."""
_HOOKS = {str(one["id"]): str(one["hook"]) for one in SERVICES}
_MOST_CARDS = 10
_MOST_FEEDBACK = 50
_OUTCOMES = ("accepted", "overridden")
_LONGEST = 2000


def authenticate(app: App, token: str, audience: str, address: str | None) -> Principal:
    """The EHR that signed this request just now, for this service, for the first time; else `NotAuthenticated`."""
    now = app.clock.now()
    with app.database.directory() as tx:
        issuer, jti, expires = cds_issuers.signer_of(tx, token, audience, now)
    with app.database.transaction(issuer.practice) as tx:
        cds_issuers.use_once(tx, issuer, jti, expires)
    return issuer.principal(address)


def answer(app: App, principal: Principal, service: str, request: Mapping[str, Any], base: str) -> list[Any]:
    """The cards of a service. None where the patient is not known here by number, or not one person alone."""
    hook = _HOOKS.get(service)
    if hook is None:
        raise NotFound("there is no such service")
    context = _object(request, "context")
    if request.get("hook") != hook:
        raise Rejected(at="hook", expected=hook)
    if not isinstance(request.get("hookInstance"), str) or not request["hookInstance"]:
        raise Rejected(at="hookInstance", expected="a UUID", code="required")
    drafts = cds_orders.draft_orders(context) if service in (ORDER_SIGN, ORDER_SELECT) else []
    medicines = cds_medicines.draft_medicines(context, selected=service == ORDER_SELECT)

    def work(door: Interaction) -> list[Any]:
        patient = _patient(door, request, context, base)
        if patient is None:
            return []
        zone = ZoneInfo(engine.tenant_of(door.tx).zone)
        place = Place(base=base, tenant_id=principal.tenant_id)
        if service == ORDER_SIGN:
            same = cds_orders.cards(door, place, patient.id, drafts, zone)
            return [*cds_medicines.cards(door, place, patient.id, medicines), *same]
        if service == ORDER_SELECT:
            return cds_medicines.cards(door, place, patient.id, medicines)
        return [loop_card(place, one, zone) for one in open_loops.of_patient(door, patient.id)[:_MOST_CARDS]]

    return app.database.run(
        principal.tenant_id,
        lambda tx: work(Interaction(app=app, tx=tx, principal=principal)),
        actor=principal.reference,
        sight=principal.narrowing,
    )


def keep_feedback(app: App, principal: Principal, service: str, told: Mapping[str, Any]) -> None:
    """What clinicians did with cards is stored (CDS Hooks 2.0, "Feedback"), all of it or nothing."""
    if service not in _HOOKS:
        raise NotFound("there is no such service")
    given = told.get("feedback")
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_FEEDBACK:
        raise Rejected(at="feedback", expected=f"1 to {_MOST_FEEDBACK} entries", code="required")
    entries = [_feedback(one, f"feedback[{place}]") for place, one in enumerate(given)]
    now = app.clock.now()
    with app.database.transaction(principal.tenant_id, actor=principal.reference) as tx:
        for one in entries:
            cds_issuers.keep_feedback(tx, principal.id, service, one, now)


def add_issuer(app: App, principal: Principal, tenant: Tenant, iss: str, name: str, jwks: Mapping[str, Any]) -> Issuer:
    """The EHR may ask the services, with these keys from now on."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.directory() as tx:
        return cds_issuers.add_issuer(tx, tenant.id, app.clock.now(), iss=iss, name=name, jwks=jwks)


def list_issuers(app: App, principal: Principal, tenant: Tenant) -> list[Issuer]:
    """The EHRs that may ask, revoked ones too."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.directory() as tx:
        return cds_issuers.list_issuers(tx, tenant.id)


def revoke_issuer(app: App, principal: Principal, tenant: Tenant, iss: str) -> Issuer:
    """The EHR is refused from the next request on."""
    require_action(principal, Action.ACCOUNT_MANAGE)
    with app.database.directory() as tx:
        return cds_issuers.revoke_issuer(tx, tenant.id, iss, app.clock.now())


def _patient(door: Interaction, request: Mapping[str, Any], context: Mapping[str, Any], base: str) -> Stored | None:
    """By the numbers of the prefetched Patient; by id only where the EHR works on our own FHIR server."""
    patient_id = context.get("patientId")
    if not isinstance(patient_id, str) or not patient_id:
        raise Rejected(at="context.patientId", expected="the id of the patient", code="required")
    if str(request.get("fhirServer", "")).rstrip("/") == f"{base}/fhir":
        return known_people.by_id(door.app, door.tx, door.principal, patient_id)
    prefetch = request.get("prefetch")
    given = prefetch.get("patient") if isinstance(prefetch, Mapping) else None
    if not isinstance(given, Mapping) or given.get("resourceType") != "Patient" or given.get("id") != patient_id:
        return None
    return known_people.by_numbers(door.app, door.tx, door.principal, given)


def _feedback(one: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(one, Mapping) or one.get("outcome") not in _OUTCOMES:
        raise Rejected(at=f"{at}.outcome", expected="accepted or overridden", code="value")
    reason = one.get("overrideReason")
    coded = reason.get("reason") if isinstance(reason, Mapping) else None
    return {
        "card": _text(one.get("card"), f"{at}.card", required=True),
        "outcome": one["outcome"],
        "reason": _text(coded.get("code") if isinstance(coded, Mapping) else None, f"{at}.overrideReason.reason"),
        "comment": _text(
            reason.get("userComment") if isinstance(reason, Mapping) else None, f"{at}.overrideReason.userComment"
        ),
        "at": _moment(one.get("outcomeTimestamp"), f"{at}.outcomeTimestamp"),
    }


def _text(value: Any, at: str, *, required: bool = False) -> str | None:
    if value is None and not required:
        return None
    if not isinstance(value, str) or not value or len(value) > _LONGEST or "\x00" in value:
        raise Rejected(at=at, expected=f"a text of at most {_LONGEST} letters", code="value")
    return value


def _moment(value: Any, at: str) -> datetime:
    if not isinstance(value, str):
        raise Rejected(at=at, expected="an instant", code="required")
    return parse_instant(value, ZoneInfo("UTC"))


def _object(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = request.get(name)
    if not isinstance(found, Mapping):
        raise Rejected(at=name, expected="an object", code="required")
    return found
