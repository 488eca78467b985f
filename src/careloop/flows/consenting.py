"""A person allows an app: what the app asks is checked, what it would get is shown, and a code goes to the app.

SMART App Launch 2.2, "Launch and Authorization"; RFC 6749 §4.1. What makes the app's own address doubtful (an unknown
client, another redirect address) is told to the person and to nobody else; everything else goes back to the app.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self
from urllib.parse import urlencode

from careloop.access import apps, clients
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.clients import Client
from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.access.scopes import granted, granted_words, parse_scope
from careloop.db import Transaction
from careloop.errors import CareloopError, Gone, NotFound, Rejected
from careloop.flows.app import App
from careloop.flows.patient_reading import full_name

LEVELS = ("patient", "user")
_LONGEST = 4000
Problem = Literal["invalid_request", "unsupported_response_type", "invalid_scope", "access_denied"]


class SentBack(CareloopError):
    """The app is told what is wrong, at its own address (RFC 6749 §4.1.2.1)."""

    issue_code = "invalid"

    def __init__(self, asked: "Asked", problem: Problem, says: str) -> None:
        super().__init__(says)
        self.address = asked.answered({"error": problem, "error_description": says})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The parameters of an authorization request, as they came."""

    client_id: str
    redirect_uri: str
    response_type: str
    scope: str
    state: str
    aud: str
    code_challenge: str
    code_challenge_method: str
    launch: str
    nonce: str

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """The parameters among these; missing ones are empty. `Rejected` for one that is far too long."""
        values = {name: given.get(name, "") for name in cls.__dataclass_fields__}
        for name, value in values.items():
            if len(value) > _LONGEST:
                raise Rejected(at=name, expected=f"at most {_LONGEST} letters")
        return cls(**values)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The same as fields of a form; empty ones are left out."""
        return {name: value for name in self.__dataclass_fields__ if (value := str(getattr(self, name)))}

    def answered(self, answer: Mapping[str, str]) -> str:
        """The app's address with an answer and its own `state`."""
        joint = "&" if "?" in self.redirect_uri else "?"
        state = {"state": self.state} if self.state else {}
        return f"{self.redirect_uri}{joint}{urlencode({**answer, **state})}"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the person is asked to allow. `patient_id` is the patient that the app was opened with; where
    `needs_patient` and there is none, the person names one."""

    asked: Asked
    client: Client
    scopes: tuple[str, ...]
    words: tuple[str, ...]
    needs_patient: bool
    patient_id: str | None = None
    patient_name: str | None = None


def offer(app: App, tx: Transaction, principal: Principal, asked: Asked, fhir_base: str) -> Offer:
    """What this person may allow this app. `NotFound` for an app that cannot be answered, `SentBack` for a request that
    does not hold."""
    client = clients.find_client(tx, asked.client_id)
    if client is None or asked.redirect_uri not in client.redirect_uris:
        raise NotFound("there is no such app here, or it asks for its answer at another address than it has registered")
    _check(asked, fhir_base)
    scopes = granted(client.scopes, asked.scope, levels=LEVELS)
    words = granted_words(client.scopes, asked.scope)
    if not scopes and "openid" not in words:
        raise SentBack(asked, "invalid_scope", "none of the scopes may be granted")
    launched = _launched(app, tx, principal, asked, words)
    of_patient = any(one.level == "patient" for one in map(parse_scope, scopes) if one)
    needs = of_patient or "launch/patient" in words
    found = Offer(asked=asked, client=client, scopes=scopes, words=words, needs_patient=needs)
    return with_patient(app, tx, principal, found, launched) if launched else found


def with_patient(app: App, tx: Transaction, principal: Principal, offered: Offer, patient_id: str) -> Offer:
    """The offer with that patient, whom the person may read; `NotFound` where there is none. The look is audited."""
    return replace(offered, patient_id=patient_id, patient_name=person(app, tx, principal, patient_id))


def person(app: App, tx: Transaction, principal: Principal, patient_id: str) -> str:
    """The name of a patient whom the person may read. The look is audited."""
    require(principal, "read", "Patient")
    return full_name(app.record.read(tx, principal, "Patient", patient_id).resource)


def allow(app: App, tx: Transaction, principal: Principal, offered: Offer, patient_id: str | None) -> str:
    """The address of the app with its code. `Rejected` where a patient is needed and none is named."""
    if offered.needs_patient and offered.patient_id is None:
        if not patient_id:
            raise Rejected(at="patient", expected="one patient", code="required")
        try:
            offered = with_patient(app, tx, principal, offered, patient_id)
        except (NotFound, Gone) as error:
            raise Rejected(at="patient", expected="a patient of this practice", code="value") from error
    consent = apps.Consent(
        client_id=offered.client.id,
        account_id=principal.id,
        scopes=(*offered.scopes, *offered.words),
        patient_id=offered.patient_id,
        nonce=offered.asked.nonce or None,
        redirect_uri=offered.asked.redirect_uri,
        code_challenge=offered.asked.code_challenge,
    )
    code = apps.allow(tx, consent, app.clock.now())
    if offered.asked.launch:
        apps.close_launch(tx, offered.asked.launch)
    _audit(tx, principal, offered, "app-allowed", "0")
    return offered.asked.answered({"code": code})


def deny(tx: Transaction, principal: Principal, offered: Offer) -> str:
    """The address of the app with the person's no."""
    _audit(tx, principal, offered, "app-denied", "0")
    return SentBack(offered.asked, "access_denied", "the person did not allow it").address


def launch(app: App, tx: Transaction, principal: Principal, client_id: str, patient_id: str) -> tuple[str, str]:
    """The launch address of an app that shows this patient, and the launch token; `NotFound` for another app."""
    client = clients.find_client(tx, client_id)
    if client is None or client.launch_url is None:
        raise NotFound("there is no such app here")
    person(app, tx, principal, patient_id)
    return client.launch_url, apps.open_launch(tx, client.id, principal.id, patient_id, app.clock.now())


def _check(asked: Asked, fhir_base: str) -> None:
    if asked.response_type != "code":
        raise SentBack(asked, "unsupported_response_type", "code is the response type that this server has")
    if asked.code_challenge_method != "S256" or not apps.is_challenge(asked.code_challenge):
        raise SentBack(asked, "invalid_request", "a code_challenge of the method S256 is needed (RFC 7636)")
    if asked.aud.rstrip("/") != fhir_base:
        raise SentBack(asked, "invalid_request", "aud must be the FHIR base address of this server")
    if not asked.state:
        raise SentBack(asked, "invalid_request", "a state is needed")


def _launched(app: App, tx: Transaction, principal: Principal, asked: Asked, words: tuple[str, ...]) -> str | None:
    if "launch" not in words:
        return None
    found = apps.patient_of_launch(tx, asked.launch, asked.client_id, principal.id, app.clock.now())
    if found is None:
        raise SentBack(asked, "invalid_request", "the launch is not one of this app and person, or it is too old")
    return found


def _audit(tx: Transaction, principal: Principal, offered: Offer, subtype: str, outcome: str) -> None:
    scopes = " ".join((*offered.scopes, *offered.words))
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype=subtype,
            outcome=outcome,
            patient_ids=(offered.patient_id,) if offered.patient_id else (),
            detail=f"{offered.client.id}: {scopes}",
        ),
    )
