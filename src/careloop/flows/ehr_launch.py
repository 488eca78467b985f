"""An EHR opens our panel: we ask it who the patient is and find the same person here, by number only.

SMART App Launch 2.2, EHR launch; code flow with PKCE S256. What we know between the two steps is sealed and kept by the
browser; the EHR's token is used at once and forgotten.
"""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from careloop.access import ehrs
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.ehrs import Ehr
from careloop.access.keys import open_keyring
from careloop.access.model import Tenant
from careloop.errors import NotAuthenticated, Unavailable
from careloop.fhir.jsons import decode
from careloop.flows import known_people
from careloop.flows.app import App
from careloop.flows.patient_reading import full_name
from careloop.outside import AllowList, NotAllowed, fetch

_PURPOSE = "ehr launch"
WAIT = timedelta(minutes=10)
"""So long the clinician may take to sign in at the EHR."""
SCOPE = "launch openid fhirUser patient/Patient.rs"
_ALGORITHMS = ["RS256", "RS384", "ES256", "ES384"]


@dataclass(frozen=True, kw_only=True)
class Started:
    """Where the browser goes, and what it keeps for the way back."""

    address: str
    sealed: str


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Who opened the panel, by which EHR; `patient_id` is None where the person is not known here by number."""

    ehr: Ehr
    who: str
    patient_id: str | None


def start(app: App, iss: str, launch: str, callback: str) -> Started:
    """The EHR's own authorization page. `NotFound` for an EHR that is not registered, `Unavailable` where it does not
    answer as SMART asks for."""
    ehr, tenant = _ehr(app, iss)
    facts = _facts(ehr, tenant)
    address = str(facts.get("authorization_endpoint", ""))
    _check(ehr.allowed(tenant), address)
    kept = {"iss": ehr.iss, "state": secrets.token_urlsafe(32), "verifier": secrets.token_urlsafe(48),
            "nonce": secrets.token_urlsafe(16), "until": (app.clock.now() + WAIT).isoformat()}  # fmt: skip
    challenge = urlsafe_b64encode(hashlib.sha256(kept["verifier"].encode()).digest()).decode().rstrip("=")
    query = urlencode({
        "response_type": "code", "client_id": ehr.client_id, "redirect_uri": callback, "scope": SCOPE,
        "state": kept["state"], "aud": iss, "launch": launch, "nonce": kept["nonce"],
        "code_challenge": challenge, "code_challenge_method": "S256",
    })  # fmt: skip
    sealed = open_keyring(app.settings.data_dir).seal(_PURPOSE, json.dumps(kept)).decode()
    return Started(address=f"{address}{'&' if urlsplit(address).query else '?'}{query}", sealed=sealed)


def finish(app: App, sealed: str, state: str, code: str, callback: str, address: str | None) -> Opened:
    """Who opened the panel and for whom. `NotAuthenticated` for a way back that did not begin here, in this browser,
    lately; `Unavailable` where the EHR does not answer as SMART asks for."""
    kept = _kept(app, sealed)
    if not hmac.compare_digest(kept["state"].encode(), state.encode()):
        raise NotAuthenticated("this launch did not begin in this browser")
    ehr, tenant = _ehr(app, kept["iss"])
    facts, allow = _facts(ehr, tenant), ehr.allowed(tenant)
    answer = _exchange(app, ehr, allow, facts, code, callback, kept["verifier"])
    who = _who(app, ehr, allow, facts, answer, kept["nonce"])
    given = _read(allow, ehr, str(answer["access_token"]), f"Patient/{answer.get('patient', '')}")
    program = ehr.finder(who, address)
    with app.database.transaction(ehr.practice, actor=program.id) as tx:
        found = known_people.by_numbers(app, tx, program, given)
        record_audit(tx, AuditEntry(principal=program, action="E", subtype="login", detail="panel",
                                    patient_ids=(found.id,) if found else ()))  # fmt: skip
    return Opened(ehr=ehr, who=who, patient_id=found.id if found else None)


def _ehr(app: App, iss: str) -> tuple[Ehr, Tenant]:
    with app.database.directory() as tx:
        ehr = ehrs.find_ehr(tx, iss)
    return ehr, app.tenant(ehr.practice)


def _kept(app: App, sealed: str) -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(open_keyring(app.settings.data_dir).unseal(_PURPOSE, sealed.encode()))
    except Unavailable as error:
        raise NotAuthenticated("this launch did not begin in this browser") from error
    if datetime.fromisoformat(kept["until"]) <= app.clock.now():
        raise NotAuthenticated("this launch is too old")
    return kept


def _facts(ehr: Ehr, tenant: Tenant) -> Mapping[str, Any]:
    """The EHR's SMART configuration."""
    return _json(ehr, ehr.allowed(tenant), "GET", f"{ehr.iss}/.well-known/smart-configuration")


def _exchange(
    app: App, ehr: Ehr, allow: AllowList, facts: Mapping[str, Any], code: str, callback: str, verifier: str
) -> Mapping[str, Any]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier,
            "client_id": ehr.client_id}  # fmt: skip
    secret = ehr.secret(open_keyring(app.settings.data_dir))
    if secret:
        form["client_secret"] = secret
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    body = urlencode(form).encode()
    answer = _json(ehr, allow, "POST", str(facts.get("token_endpoint", "")), body=body, headers=headers)
    if not isinstance(answer.get("access_token"), str) or not isinstance(answer.get("patient"), str):
        raise Unavailable(f"{ehr.name} named no patient")
    return answer


def _who(app: App, ehr: Ehr, allow: AllowList, facts: Mapping[str, Any], answer: Mapping[str, Any], nonce: str) -> str:
    """The clinician's name as the EHR has it, after its id token was found right."""
    keys = _json(ehr, allow, "GET", str(facts.get("jwks_uri", "")))
    try:
        claims = jwt.decode(str(answer.get("id_token", "")), KeySet.import_key_set(keys), algorithms=_ALGORITHMS).claims  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError) as error:
        raise NotAuthenticated(f"{ehr.name} did not say who you are") from error
    audiences = claims.get("aud")
    named = ehr.client_id in (audiences if isinstance(audiences, list) else [audiences])
    expires = claims.get("exp")
    timely = isinstance(expires, int) and datetime.fromtimestamp(expires, UTC) > app.clock.now()
    if not named or not timely or claims.get("nonce") != nonce or claims.get("iss") != facts.get("issuer"):
        raise NotAuthenticated(f"{ehr.name} did not say who you are")
    user = str(claims.get("fhirUser", ""))
    reference = user.removeprefix(f"{ehr.iss}/")
    if reference == user or not reference.startswith(("Practitioner/", "Person/")):
        return f"user {claims['sub']}"
    return _name(allow, ehr, str(answer["access_token"]), reference) or f"user {claims['sub']}"


def _name(allow: AllowList, ehr: Ehr, token: str, reference: str) -> str:
    """What the EHR's entry of the clinician says; empty where the app may not read it."""
    try:
        return full_name(_read(allow, ehr, token, reference))
    except Unavailable:
        return ""


def _read(allow: AllowList, ehr: Ehr, token: str, reference: str) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    found = _json(ehr, allow, "GET", f"{ehr.iss}/{reference}", headers=headers)
    if f"{found.get('resourceType')}/{found.get('id')}" != reference:
        raise Unavailable(f"{ehr.name} answered with something else")
    return found


def _json(
    ehr: Ehr, allow: AllowList, method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """The JSON object that the EHR answers with."""
    try:
        answer = fetch(method, url, allow, body=body, headers=headers or {"Accept": "application/json"})
    except NotAllowed as error:
        raise Unavailable(f"{ehr.name} works at an address that is not registered for it") from error
    if not answer.succeeded:
        raise Unavailable(f"{ehr.name} refused ({answer.status})")
    return decode(answer.body)


def _check(allow: AllowList, url: str) -> None:
    try:
        allow.check(url)
    except NotAllowed as error:
        raise Unavailable("the EHR's sign-in is at an address that is not registered for it") from error
