"""SMART App Launch: a person allows an app, and only what was allowed, to whom, once (security.md §4)."""

from base64 import urlsafe_b64decode
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from careloop.access import accounts, apps, clients, sessions
from careloop.access.clients import Interactive
from careloop.access.tenancy import TenantSettings
from careloop.errors import Rejected
from careloop.flows.registration import registration_token

from .conftest import CALLBACK, HOST, VERIFIER, Smart, make_smart


def sent_back(answer) -> dict[str, list[str]]:
    """The parameters with which the browser was sent to the app."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(f"{CALLBACK}?")
    return parse_qs(urlsplit(location).query)


def test_a_person_allows_an_app_and_the_app_reads_the_patient(smart: Smart):
    made = smart.register()
    page = smart.page(smart.asked(made))
    assert page.status_code == 200
    assert "See everything in the record of this one patient" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "form-action 'self' https://app.example;" in page.headers["content-security-policy"]
    given = smart.allowed(made)
    assert given["patient"] == smart.patients["ann"]
    assert given["expires_in"] <= 3600 and given["token_type"] == "Bearer"
    read = smart.fhir(given["access_token"], f"/Patient/{smart.patients['ann']}")
    assert read.status_code == 200 and "Annmark" in read.text


def test_the_patient_is_found_on_the_consent_page(smart: Smart):
    asked = smart.asked(smart.register())
    form = {**asked, "text": "Annmark", "csrf": sessions.csrf_token(smart.session)}
    found = smart.http.post("/oauth/authorize", data=form, headers=smart.browser)
    assert found.status_code == 200
    assert smart.patients["ann"] in found.text and smart.patients["bob"] not in found.text
    none_chosen = smart.decide(asked)
    assert none_chosen.status_code == 422 and "Choose one patient" in none_chosen.text


def test_whoever_is_not_signed_in_signs_in_first_and_comes_back(smart: Smart):
    answer = smart.http.get("/oauth/authorize", params=smart.asked(smart.register()), follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2Foauth%2Fauthorize%3F")


@pytest.mark.parametrize("csrf", ["", "wrong"])
def test_a_consent_without_the_sessions_csrf_token_is_refused(smart: Smart, csrf: str):
    answer = smart.decide(smart.asked(smart.register()), csrf=csrf, patient=smart.patients["ann"])
    assert answer.status_code == 403 and "location" not in answer.headers


def test_a_consent_sent_from_another_site_is_refused(smart: Smart):
    made = smart.register()
    form = {**smart.asked(made), "csrf": sessions.csrf_token(smart.session), "decision": "allow"}
    headers = {**smart.browser, "Origin": "https://evil.example"}
    assert smart.http.post("/oauth/authorize", data=form, headers=headers).status_code == 403


def test_a_no_is_told_to_the_app(smart: Smart):
    said = sent_back(smart.decide(smart.asked(smart.register()), "deny"))
    assert said["error"] == ["access_denied"] and said["state"] == ["state-of-the-app"] and "code" not in said


@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example/callback", f"{CALLBACK}/", f"{CALLBACK}?x=1", CALLBACK.upper(), "https://app.example", "",
        "https://app.example/callback/../other", "https://app.example:443/callback", f"{CALLBACK}#f",
    ],
)  # fmt: skip
def test_an_address_that_is_not_registered_letter_by_letter_gets_nothing(smart: Smart, redirect: str):
    asked = smart.asked(smart.register(), redirect_uri=redirect)
    for answer in (smart.page(asked), smart.decide(asked, patient=smart.patients["ann"])):
        assert answer.status_code == 404
        assert "location" not in answer.headers


@pytest.mark.parametrize("client", ["", "x", "999999-0123456789abcdef"])
def test_an_unknown_app_gets_nothing(smart: Smart, client: str):
    answer = smart.page(smart.asked(smart.register(), client_id=client))
    assert answer.status_code == 404 and "location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "https://other.example/fhir"}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": f"{HOST}/fhirx"}, "invalid_request"),
        ({"code_challenge_method": "plain", "code_challenge": VERIFIER}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "user/*.cruds"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_a_request_that_does_not_hold_goes_back_with_its_reason(smart: Smart, changes, error: str):
    asked = smart.asked(smart.register("openid patient/*.rs launch/patient"), **changes)
    if changes.get("scope") == "":
        asked["scope"] = "nothing-known"
    for answer in (smart.page(asked), smart.decide(asked, patient=smart.patients["ann"])):
        said = sent_back(answer)
        assert said["error"] == [error] and "code" not in said
        assert said.get("state") == (["state-of-the-app"] if asked.get("state") else None)


def test_a_code_works_once_and_its_replay_ends_what_it_gave(smart: Smart):
    made = smart.register()
    code = smart.code(made)
    given = smart.redeem(made, code).json()
    assert smart.fhir(given["access_token"], f"/Patient/{given['patient']}").status_code == 200
    replayed = smart.redeem(made, code)
    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    smart.app.clock.move_by(seconds=5)
    assert smart.fhir(given["access_token"], f"/Patient/{given['patient']}").status_code == 401
    assert smart.refresh(made, given["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": VERIFIER + "x"}, {"code_verifier": ""}, {"code_verifier": "short"},
        {"redirect_uri": "https://app.example/other"}, {"redirect_uri": ""}, {"code": ""},
        {"code": "clc_1." + "a" * 43},
    ],
)  # fmt: skip
def test_a_code_is_good_only_for_whoever_asked_for_it(smart: Smart, changes):
    made = smart.register()
    code = smart.code(made)
    changes = dict(changes)
    answer = smart.redeem(made, changes.pop("code", code), **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    if changes:
        assert smart.redeem(made, code).json()["error"] == "invalid_grant"


def test_a_code_of_one_app_is_nothing_to_another(smart: Smart):
    mine, other = smart.register(), smart.register()
    code = smart.code(mine)
    assert smart.redeem(other, code).json()["error"] == "invalid_grant"
    assert smart.redeem(mine, code).status_code == 200


def test_a_code_is_good_for_a_minute(smart: Smart):
    made = smart.register()
    code = smart.code(made)
    smart.app.clock.move_by(seconds=61)
    assert smart.redeem(made, code).json()["error"] == "invalid_grant"


def test_a_confidential_app_must_prove_who_it_is(smart: Smart):
    made = smart.register()
    form = {"grant_type": "authorization_code", "code": smart.code(made), "redirect_uri": CALLBACK}
    for proof in ({}, {"client_secret": "wrong"}):
        answer = smart.http.post(
            "/oauth/token", data={**form, "code_verifier": VERIFIER, "client_id": made.client.id, **proof}
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_public_app_has_no_secret_and_rests_on_pkce(smart: Smart):
    made = smart.register(public=True)
    assert made.secret is None
    given = smart.allowed(made)
    assert smart.fhir(given["access_token"], f"/Patient/{given['patient']}").status_code == 200
    answer = smart.token(made, {"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    introspected = smart.http.post("/oauth/introspect", data={"client_id": made.client.id, "token": "x"})
    assert introspected.status_code == 401


def test_a_refresh_token_is_exchanged_and_its_reuse_ends_the_family(smart: Smart):
    made = smart.register()
    first = smart.allowed(made)
    second = smart.refresh(made, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"] and second["patient"] == first["patient"]
    third = smart.refresh(made, second["refresh_token"]).json()
    reused = smart.refresh(made, first["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    smart.app.clock.move_by(seconds=5)
    for given in (first, second, third):
        assert smart.fhir(given["access_token"], f"/Patient/{first['patient']}").status_code == 401
        assert smart.refresh(made, given["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_gives_less_where_less_is_asked_and_never_more(smart: Smart):
    made = smart.register("offline_access patient/*.cruds launch/patient")
    given = smart.allowed(made, scope="offline_access patient/Observation.rs launch/patient")
    fewer = smart.refresh(made, given["refresh_token"], scope="patient/*.cruds").json()
    assert fewer["scope"] == "patient/Observation.rs"
    refused = smart.refresh(made, fewer["refresh_token"], scope="patient/Condition.rs")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_without_offline_access_there_is_no_refresh_token(smart: Smart):
    assert "refresh_token" not in smart.allowed(smart.register(), scope="patient/*.rs")


def test_a_refresh_token_is_good_for_thirty_days(smart: Smart):
    made = smart.register()
    given = smart.allowed(made)
    smart.app.clock.move_by(days=30, seconds=1)
    assert smart.refresh(made, given["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_disabled_person_is_out_within_five_seconds(smart: Smart):
    made = smart.register()
    given = smart.allowed(made)
    path = f"/Patient/{given['patient']}"
    assert smart.fhir(given["access_token"], path).status_code == 200
    with smart.app.database.transaction(smart.tenant.id) as tx:
        accounts.disable_account(tx, "nurse", smart.app.clock.now())
    smart.app.clock.move_by(seconds=5)
    assert smart.fhir(given["access_token"], path).status_code == 401
    assert smart.refresh(made, given["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_revoked_app_is_out_within_five_seconds(smart: Smart):
    made = smart.register()
    given = smart.allowed(made)
    path = f"/Patient/{given['patient']}"
    assert smart.fhir(given["access_token"], path).status_code == 200
    with smart.app.database.transaction(smart.tenant.id) as tx:
        clients.revoke_client(tx, made.client.id, smart.app.clock.now())
    smart.app.clock.move_by(seconds=5)
    assert smart.fhir(given["access_token"], path).status_code == 401


def test_a_token_is_good_for_an_hour_at_most(smart: Smart):
    given = smart.allowed(smart.register())
    smart.app.clock.move_by(hours=1, seconds=1)
    assert smart.fhir(given["access_token"], f"/Patient/{given['patient']}").status_code == 401


def test_revoking_the_refresh_token_ends_everything(smart: Smart):
    made = smart.register()
    given = smart.allowed(made)
    assert smart.token_answer_of("/oauth/revoke", made, given["refresh_token"]).status_code == 200
    smart.app.clock.move_by(seconds=5)
    assert smart.fhir(given["access_token"], f"/Patient/{given['patient']}").status_code == 401


def test_another_app_cannot_revoke(smart: Smart):
    given = smart.allowed(smart.register())
    smart.token_answer_of("/oauth/revoke", smart.register(), given["refresh_token"])
    smart.app.clock.move_by(seconds=5)
    assert smart.fhir(given["access_token"], f"/Patient/{given['patient']}").status_code == 200


def test_introspection_tells_of_person_and_patient(smart: Smart):
    made = smart.register()
    given = smart.allowed(made)
    told = smart.token_answer_of("/oauth/introspect", made, given["access_token"]).json()
    assert told["active"] is True and told["patient"] == given["patient"]
    assert told["sub"] == "nurse" and told["fhirUser"] == f"{HOST}/fhir/Practitioner/nora"
    refresh = smart.token_answer_of("/oauth/introspect", made, given["refresh_token"]).json()
    assert refresh["active"] is True and refresh["client_id"] == made.client.id
    smart.refresh(made, given["refresh_token"])
    assert smart.token_answer_of("/oauth/introspect", made, given["refresh_token"]).json() == {"active": False}


def test_the_id_token_says_who_it_is_and_is_verified_by_the_published_keys(smart: Smart):
    made = smart.register()
    given = smart.allowed(made)
    keys = KeySet.import_key_set(smart.http.get("/oauth/jwks").json())
    token = jwt.decode(given["id_token"], keys, algorithms=["RS256"])
    claims = token.claims
    assert claims["iss"] == HOST and claims["aud"] == made.client.id and claims["sub"] == "nurse"
    assert claims["fhirUser"] == f"{HOST}/fhir/Practitioner/nora" and claims["nonce"] == "n-1"
    assert claims["exp"] - claims["iat"] <= 3600
    head, _, tail = given["id_token"].partition(".")
    forged = head.replace(head[10], "A" if head[10] != "A" else "B", 1) + "." + tail
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(forged, keys, algorithms=["RS256"])
    assert "d" not in smart.http.get("/oauth/jwks").json()["keys"][0]
    assert "id_token" not in smart.allowed(made, scope="patient/*.rs")


def test_the_key_of_id_tokens_is_the_installations_and_nobody_elses(smart: Smart):
    smart.allowed(smart.register())
    path = smart.app.settings.data_dir / "keys" / "id-token.pem"
    assert path.stat().st_mode & 0o077 == 0


def test_a_token_with_the_algorithm_none_opens_nothing(smart: Smart):
    given = smart.allowed(smart.register())
    body = given["id_token"].split(".")[1]
    assert urlsafe_b64decode(body + "===")
    for forged in (f"eyJhbGciOiJub25lIn0.{body}.", given["id_token"], given["refresh_token"]):
        assert smart.fhir(forged, f"/Patient/{given['patient']}").status_code == 401


def test_an_app_opened_from_the_patients_page_gets_that_patient(smart: Smart):
    made = smart.register("launch openid patient/*.rs", launch=True)
    page = smart.http.get(f"/patients/{smart.patients['bob']}/apps", headers=smart.browser)
    path = f"/patients/{smart.patients['bob']}/apps/{made.client.id}"
    assert path in page.text
    onward = smart.http.get(path, headers=smart.browser, follow_redirects=False)
    assert onward.status_code == 303
    sent = parse_qs(urlsplit(onward.headers["location"]).query)
    assert sent["iss"] == [f"{HOST}/fhir"]
    asked = smart.asked(made, launch=sent["launch"][0])
    shown = smart.page(asked)
    assert "Bobmark" in shown.text and "For which patient?" not in shown.text
    code = parse_qs(urlsplit(smart.decide(asked, patient=smart.patients["ann"]).headers["location"]).query)["code"][0]
    given = smart.redeem(made, code).json()
    assert given["patient"] == smart.patients["bob"] and given["need_patient_banner"] is False
    again = sent_back(smart.page(asked))
    assert again["error"] == ["invalid_request"]


def test_a_launch_of_another_person_app_or_time_is_nothing(smart: Smart):
    made, other = (smart.register("launch patient/*.rs", launch=True) for _ in range(2))
    now = smart.app.clock.now()
    with smart.app.database.transaction(smart.tenant.id) as tx:
        of_other_app = apps.open_launch(tx, other.client.id, "nurse", smart.patients["ann"], now)
        lead = next(one for one in accounts.staff(tx) if one.username == "lead")
        of_other_person = apps.open_launch(tx, made.client.id, lead.account_id, smart.patients["ann"], now)
        old = apps.open_launch(tx, made.client.id, "nurse", smart.patients["ann"], now - timedelta(minutes=6))
    for launch in (of_other_app, of_other_person, old, "", "x"):
        assert sent_back(smart.page(smart.asked(made, launch=launch)))["error"] == ["invalid_request"]


def test_an_app_of_another_practice_cannot_be_allowed(smart: Smart, app, other_tenant):
    foreign = make_smart(app, other_tenant, smart.http)
    made = foreign.register()
    assert smart.page(smart.asked(made)).status_code == 404
    assert foreign.page(foreign.asked(made)).status_code == 200


def test_an_app_never_does_more_than_the_person_may(smart: Smart):
    made = smart.register("user/*.cruds")
    given = smart.allowed(made)
    json = {"content-type": "application/fhir+json"}
    new = '{"resourceType": "Patient", "name": [{"family": "New"}]}'
    assert smart.fhir(given["access_token"], "/Patient", "POST", content=new, headers=json).status_code == 403
    task = '{"resourceType": "Task", "status": "requested", "intent": "order"}'
    assert smart.fhir(given["access_token"], "/Task", "POST", content=task, headers=json).status_code == 201
    assert smart.fhir(given["access_token"], "/AuditEvent").status_code == 403
    assert smart.fhir(given["access_token"], f"/Patient/{smart.patients['ann']}", "DELETE").status_code == 403


def test_an_app_never_does_more_than_was_allowed(smart: Smart):
    given = smart.allowed(smart.register("user/Observation.rs"))
    assert smart.fhir(given["access_token"], "/Observation").status_code == 200
    assert smart.fhir(given["access_token"], "/Condition").status_code == 403
    assert smart.fhir(given["access_token"], "/$export").status_code == 403
    assert smart.http.get(
        "/api/worklist", headers={"Authorization": f"Bearer {given['access_token']}"}
    ).status_code == 403  # fmt: skip


def test_codes_refresh_tokens_and_launches_are_kept_as_hashes(smart: Smart, database_urls):
    import psycopg

    made = smart.register(launch=True)
    code = smart.code(made)
    given = smart.redeem(made, code).json()
    secrets = [code, given["refresh_token"], given["access_token"]]
    with psycopg.connect(database_urls.owner) as connection:
        for table in ("app_grant", "app_ticket", "app_launch", "access_token", "audit_event"):
            text = str(connection.execute(f"select * from {table}").fetchall())
            assert not any(secret in text or secret.partition(".")[2] in text for secret in secrets)


def test_registration_is_off_until_a_practice_switches_it_on(smart: Smart):
    app, tenant = smart.app, smart.tenant
    body = {"client_name": "Self", "redirect_uris": [CALLBACK], "scope": "openid patient/*.rs launch/patient"}
    token = registration_token(app, tenant, 1)

    def register(offered: str, **changes):
        return smart.http.post(
            "/oauth/register", json={**body, **changes}, headers={"Authorization": f"Bearer {offered}"}
        )

    assert TenantSettings().app_registration == 0
    assert register(token).status_code == 401
    with app.database.directory() as tx:
        tx.execute("update tenant set settings = '{\"app_registration\": 1}' where id = %s", (tenant.id,))
    for wrong in ("", "x", registration_token(app, tenant, 2), token[:-1] + ("A" if token[-1] != "A" else "B")):
        assert register(wrong).status_code == 401
    for changes in ({"scope": "system/*.rs"}, {"scope": "openid system/Patient.r"}, {"scope": "admin"},
                    {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://evil.example/keys"},
                    {"token_endpoint_auth_method": "tls_client_auth"}, {"grant_types": ["client_credentials"]},
                    {"client_name": ""}):  # fmt: skip
        refused = register(token, **changes)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    for uri in (
        "http://app.example/callback",
        "javascript:alert(1)",
        f"{CALLBACK}#x",
        "https://a@b.example/",
        "data:x",
    ):
        refused = register(token, redirect_uris=[uri])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_redirect_uri")
    made = register(token)
    assert made.status_code == 201 and made.json()["client_secret"]
    public = register(token, client_name="Self, public", token_endpoint_auth_method="none")
    assert public.status_code == 201 and "client_secret" not in public.json()


@pytest.mark.parametrize(
    "asked",
    [
        {"scope": "patient/*.rs", "interactive": Interactive(redirect_uris=())},
        {"scope": "system/*.rs", "interactive": Interactive(redirect_uris=[CALLBACK], public=True)},
        {"scope": "patient/*.rs", "interactive": Interactive(redirect_uris=["http://app.example/"])},
        {"scope": "patient/*.rs", "interactive": Interactive(redirect_uris=[CALLBACK], launch_url="ftp://x/")},
        {"scope": "patient/*.rs launch nonsense", "interactive": Interactive(redirect_uris=[CALLBACK])},
    ],
)
def test_a_client_that_makes_no_sense_is_not_registered(smart: Smart, asked):
    with pytest.raises(Rejected), smart.app.database.transaction(smart.tenant.id) as tx:
        clients.create_client(tx, smart.app.clock.now(), name="Nonsense", **asked)


def test_only_what_works_is_advertised(smart: Smart):
    document = smart.http.get("/fhir/.well-known/smart-configuration").json()
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert smart.http.get(urlsplit(document["jwks_uri"]).path).status_code == 200
    for name in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        assert smart.http.post(urlsplit(document[name]).path, data={}).status_code in (400, 401)
    assert smart.http.post(urlsplit(document["registration_endpoint"]).path, json={}).status_code == 401
    grants = set(document["grant_types_supported"])
    for grant in grants:
        answer = smart.token(smart.register(), {"grant_type": grant})
        assert answer.json()["error"] != "unsupported_grant_type"
    openid = smart.http.get("/.well-known/openid-configuration").json()
    assert openid["issuer"] == document["issuer"] == HOST
    metadata = smart.http.get("/fhir/metadata").json()
    said = str(metadata["rest"][0]["security"])
    assert all(capability in said for capability in document["capabilities"])
    assert document["authorization_endpoint"] in said
