"""Every route with every role, of the own tenant and of a foreign one. A route that is not in the matrix fails.

The data of one practice carry a mark. Its own staff see the mark (so the test can fail); whoever comes from another
practice never does, changes nothing, and cannot tell a foreign id from one that nobody has.
"""

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from tests.pages import jpeg, sheet

from careloop.access import accounts, clients, sessions, tokens
from careloop.access.accounts import NewAccount
from careloop.access.keys import open_keyring
from careloop.access.model import Principal, PrincipalKind, Role, Tenant, system_principal
from careloop.access.policy import Action, may, may_act
from careloop.cli.asgi import create_asgi
from careloop.db import Transaction
from careloop.fhir.ids import new_id
from careloop.flows import (
    ccda_export,
    contradictions,
    document_inbox,
    documents,
    feeds,
    identifying,
    outbox,
    rank_reports,
    tenants,
    writing,
)
from careloop.flows.app import App
from careloop.flows.staffing import NewStaff
from careloop.flows.weekly_page import CLINICIANS
from careloop.intake.inbox import Origin, receive_broken
from careloop.intake.model import Feed
from careloop.outbox import NewDelivery, TargetKind
from careloop.outbox import store as outbox_store
from careloop.record import Write

MARK = "Zanzimark"
HOST = "http://localhost"
FORM = "application/x-www-form-urlencoded"
FHIR = "application/fhir+json"
_numbers = itertools.count(1)
Permits = Callable[[Principal], bool]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What the matrix says of one route. `permits` tells who may; None: the route is open to everybody.

    `page` routes are for people with a session; the others take a token too. `form` and `body` are what a request must
    carry to come as far as the question who may. `shows`: its answer holds the mark for whoever may see it.
    """

    permits: Permits | None = None
    page: bool = False
    form: Mapping[str, str] | None = None
    body: str = ""
    query: str = ""
    shows: bool = False


def action(wanted: Action) -> Permits:
    return lambda principal: may_act(principal, wanted)


def interaction(name: str, resource_type: str = "Patient") -> Permits:
    return lambda principal: may(principal, name, resource_type)


def staff_only(principal: Principal) -> bool:
    return principal.kind is PrincipalKind.USER


def everybody(_: Principal) -> bool:
    return True


def may_validate(principal: Principal) -> bool:
    return any(may(principal, name, "Patient") for name in ("read", "create", "update"))


def may_bring_documents(principal: Principal) -> bool:
    return all(may(principal, name, kind) for name in ("create", "update") for kind in documents.WRITTEN_TYPES)


PATIENT = '{"resourceType":"Patient","id":"{id}"}'
META = '{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:x","code":"y"}]}}]}'
ONE = "/{resource_id:str}"
OF_OTHER_TYPES = {
    "status": ["", ONE],
    "events": [ONE],
    "get-ws-binding-token": ["", ONE],
    "viewdefinition-run": [""],
    "lastn": [""],
    "docref": [""],
    "document": ["", ONE],
    "apply": ["", ONE],
}
"""Operations that are not offered for a Patient: 404 whoever asks. Their own tests say who may."""
MATCH_BODY = '{"resourceType":"Patient","name":[{"family":"Nobody"}]}'
_SOURCE = '{"name":"source-patient","valueReference":{"reference":"Patient/{id}"}}'
_TARGET = '{"name":"target-patient","valueReference":{"reference":"Patient/{id}"}}'
MERGE_BODY = '{"resourceType":"Parameters","parameter":[' + _SOURCE + "," + _TARGET + "]}"
UNMERGE_BODY = '{"resourceType":"Parameters","parameter":[' + _SOURCE + "]}"
VIEW_BODY = '{"resourceType":"Parameters","parameter":[{"name":"viewReference","valueString":"patient_demographics"}]}'
MERGES = interaction("update")
OWNS_RANK = rank_reports.is_owner
WORK, READ_LIST = action(Action.LOOP_WORK), action(Action.WORKLIST_READ)
INBOX, REPAIR = action(Action.INBOX_READ), action(Action.INBOX_REPAIR)
FEEDS = action(Action.FEED_MANAGE)
RULES = action(Action.RULES_MANAGE)


def CLINICIAN(principal: Principal) -> bool:  # noqa: N802
    return bool(principal.roles & CLINICIANS) and may_act(principal, Action.WORKLIST_READ)


def PAPERS(principal: Principal) -> bool:  # noqa: N802
    return may_act(principal, Action.LOOP_WORK) and may(principal, "create", "DocumentReference")


def RESULTS(principal: Principal) -> bool:  # noqa: N802
    return may_act(principal, Action.WORKLIST_READ) and may(principal, "search", "DiagnosticReport")


def TELLS(principal: Principal) -> bool:  # noqa: N802
    return may_act(principal, Action.LOOP_WORK) and may(principal, "create", "Communication")


UNTIL = "2026-11-24T12:00"

MATRIX: dict[str, Route] = {
    "GET /healthz": Route(),
    "GET /readyz": Route(),
    "GET /fhir/metadata": Route(),
    "GET /fhir/.well-known/smart-configuration": Route(),
    "GET /.well-known/openid-configuration": Route(),
    "GET /oauth/jwks": Route(),
    "GET /cds-services": Route(),
    "GET /launch": Route(),
    "GET /launch/callback": Route(),
    "GET /panel": Route(),
    "POST /panel/answer": Route(form={}),
    # Open to whoever holds a code (tests/integration/web/partners).
    "GET /p": Route(),
    "POST /p": Route(form={}),
    "GET /p/{code:str}": Route(),
    "POST /p/{code:str}": Route(form={}),
    "POST /p/{code:str}/answer": Route(form={}),
    "POST /p/{code:str}/medicines": Route(form={}),
    "POST /p/{code:str}/education": Route(form={}),
    "POST /p/{code:str}/check-in": Route(form={}),
    "POST /cds-services/{service:str}": Route(body="{}"),
    "POST /cds-services/{service:str}/feedback": Route(body="{}"),
    "POST /oauth/register": Route(body="{}"),
    "GET /oauth/authorize": Route(permits=interaction("read"), page=True),
    "POST /oauth/authorize": Route(permits=interaction("read"), page=True, form={"decision": "deny"}),
    "POST /oauth/token": Route(form={}),
    "POST /oauth/introspect": Route(form={}),
    "POST /oauth/revoke": Route(form={}),
    "GET /api/docs": Route(),
    "GET /api/docs/openapi.json": Route(),
    "GET /api/docs/{path:str}": Route(),
    "GET /": Route(),
    "GET /sign-in": Route(),
    "POST /sign-in": Route(form={}),
    "POST /sign-in/code": Route(form={}),
    "GET /assets/{name:str}": Route(),
    "GET /fhir/{resource_type:str}/{resource_id:str}": Route(permits=interaction("read"), shows=True),
    "GET /fhir/{resource_type:str}/{resource_id:str}/_history/{version:str}": Route(
        permits=interaction("vread"), shows=True
    ),
    "GET /fhir/{resource_type:str}/{resource_id:str}/_history": Route(permits=interaction("history"), shows=True),
    "GET /fhir/{resource_type:str}/_history": Route(permits=interaction("history"), shows=True),
    "GET /fhir/_history": Route(permits=interaction("history", "*"), shows=True),
    "GET /fhir": Route(permits=interaction("search"), query=f"_type=Patient&name={MARK}", shows=True),
    "POST /fhir/_search": Route(permits=interaction("search"), form={"_type": "Patient", "name": MARK}, shows=True),
    "GET /fhir/{resource_type:str}/{resource_id:str}/{inside:str}": Route(permits=interaction("search"), shows=True),
    "POST /fhir/{resource_type:str}/{resource_id:str}/{inside:str}/_search": Route(
        permits=interaction("search"), form={"name": MARK}, shows=True
    ),
    "POST /fhir/{resource_type:str}/{resource_id:str}/_search": Route(
        permits=interaction("search"), form={"name": MARK}, shows=True
    ),
    "GET /fhir/{resource_type:str}": Route(permits=interaction("search"), query=f"name={MARK}", shows=True),
    "POST /fhir/{resource_type:str}/_search": Route(permits=interaction("search"), form={"name": MARK}, shows=True),
    "PUT /fhir/{resource_type:str}/{resource_id:str}": Route(permits=interaction("update"), body=PATIENT),
    "PATCH /fhir/{resource_type:str}/{resource_id:str}": Route(
        permits=interaction("patch"), body='[{"op":"add","path":"/active","value":true}]'
    ),
    "DELETE /fhir/{resource_type:str}/{resource_id:str}": Route(permits=interaction("delete")),
    "POST /fhir/{resource_type:str}": Route(permits=interaction("create"), body='{"resourceType":"Patient"}'),
    "PUT /fhir/{resource_type:str}": Route(
        permits=interaction("update"), body='{"resourceType":"Patient"}', query=f"name={MARK}"
    ),
    "PATCH /fhir/{resource_type:str}": Route(
        permits=interaction("patch"), body='[{"op":"add","path":"/active","value":true}]', query=f"name={MARK}"
    ),
    "DELETE /fhir/{resource_type:str}": Route(permits=interaction("delete"), query=f"name={MARK}"),
    "POST /fhir": Route(
        permits=everybody,
        shows=True,
        body='{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/{id}"}}]}',
    ),
    "GET /fhir/$viewdefinition-run": Route(
        permits=interaction("search"), query="viewReference=patient_demographics", shows=True
    ),
    "POST /fhir/$viewdefinition-run": Route(permits=interaction("search"), body=VIEW_BODY, shows=True),
    "GET /fhir/{resource_type:str}/$everything": Route(permits=interaction("read"), shows=True),
    "POST /fhir/{resource_type:str}/$everything": Route(permits=interaction("read"), shows=True),
    "GET /fhir/{resource_type:str}/$match": Route(permits=interaction("search")),
    "POST /fhir/{resource_type:str}/$match": Route(permits=interaction("search"), body=MATCH_BODY),
    "POST /fhir/{resource_type:str}/$merge": Route(permits=MERGES, body=MERGE_BODY),
    "POST /fhir/{resource_type:str}/$unmerge": Route(permits=MERGES, body=UNMERGE_BODY),
    "GET /fhir/{resource_type:str}/{resource_id:str}/$everything": Route(permits=interaction("read"), shows=True),
    "POST /fhir/{resource_type:str}/{resource_id:str}/$everything": Route(permits=interaction("read"), shows=True),
    "GET /fhir/{resource_type:str}/{resource_id:str}/$ccda": Route(permits=interaction("read")),
    "POST /fhir/{resource_type:str}/{resource_id:str}/$ccda": Route(permits=interaction("read")),
    "GET /fhir/{resource_type:str}/{resource_id:str}/$meta": Route(permits=interaction("read")),
    "POST /fhir/{resource_type:str}/{resource_id:str}/$meta": Route(permits=interaction("read")),
    "POST /fhir/{resource_type:str}/{resource_id:str}/$meta-add": Route(permits=interaction("update"), body=META),
    "POST /fhir/{resource_type:str}/{resource_id:str}/$meta-delete": Route(permits=interaction("update"), body=META),
    **{
        f"{method} /fhir/{{resource_type:str}}{place}/${name}": Route(permits=everybody)
        for name, places in OF_OTHER_TYPES.items()
        for place in places
        for method in ("GET", "POST")
    },
    "GET /fhir/{resource_type:str}/$validate": Route(permits=may_validate),
    "POST /fhir/{resource_type:str}/$validate": Route(permits=may_validate, body=PATIENT),
    "GET /fhir/{resource_type:str}/{resource_id:str}/$validate": Route(permits=interaction("read")),
    "POST /fhir/{resource_type:str}/{resource_id:str}/$validate": Route(permits=may_validate, body=PATIENT),
    # Not offered for Patient, which is what everybody is told (who may: tests/integration/api/test_terminology.py).
    **{
        f"{method} /fhir/{{resource_type:str}}{place}/${name}": Route(permits=everybody)
        for name, places in (
            ("expand", ("", "/{resource_id:str}")),
            ("validate-code", ("", "/{resource_id:str}")),
            ("lookup", ("",)),
            ("subsumes", ("", "/{resource_id:str}")),
            ("translate", ("", "/{resource_id:str}")),
        )
        for place in places
        for method in ("GET", "POST")
    },
    # Exports hold only what the asker may read (tests/integration/api/test_bulk.py); without respond-async nothing
    # begins.
    **{
        f"{method} /fhir{place}/$export": Route(permits=everybody)
        for place in ("", "/{resource_type:str}", "/{resource_type:str}/{resource_id:str}")
        for method in ("GET", "POST")
    },
    "POST /fhir/$import": Route(permits=lambda who: may(who, "create", "*") and may(who, "update", "*")),
    "GET /fhir/bulk-status/{job_id:str}": Route(permits=everybody),
    "DELETE /fhir/bulk-status/{job_id:str}": Route(permits=everybody),
    "GET /fhir/bulk-file/{job_id:str}/{name:str}": Route(permits=everybody),
    "GET /api/inbox": Route(permits=INBOX, query=f"control_id={MARK}", shows=False),
    "POST /api/inbox/{inbox_id:int}/replay": Route(permits=REPAIR),
    "GET /api/worklist": Route(permits=READ_LIST, query="scope=team", shows=True),
    "GET /api/ownership": Route(permits=interaction("read"), query="patient={patient_id}"),
    "GET /api/episodes/{encounter_id:str}": Route(permits=action(Action.EPISODE_READ)),
    "POST /sign-out": Route(permits=staff_only, page=True, form={}),
    "GET /worklist": Route(permits=READ_LIST, page=True, query="scope=team", shows=True),
    "GET /worklist/pane": Route(permits=READ_LIST, page=True, query="loop={loop_id}", shows=True),
    "GET /worklist/state": Route(permits=READ_LIST, page=True),
    "POST /worklist/bulk": Route(permits=WORK, page=True, form={"loop": "{loop_id}", "act": "snooze"}),
    "POST /worklist/views": Route(permits=READ_LIST, page=True, form={"name": "mine", "query": "scope=team&"}),
    "GET /worklist/views/{view_id:str}": Route(permits=READ_LIST, page=True),
    "POST /worklist/views/{view_id:str}/remove": Route(permits=READ_LIST, page=True, form={}),
    "GET /worklist/day": Route(permits=READ_LIST, page=True),
    "POST /worklist/day/minutes": Route(permits=staff_only, page=True, form={"what": "today", "minutes": "60"}),
    "POST /loops/{loop_id:str}/wrong-place": Route(permits=WORK, page=True, form={"says": "low", "should": "first"}),
    "POST /rules/rank/reports/{report_id:str}": Route(permits=OWNS_RANK, page=True, form={"answer": "we look at it"}),
    "POST /loops/{loop_id:str}/call": Route(
        permits=WORK, page=True, form={"outcome": "no-answer", "minutes": "1", "note": MARK}
    ),
    "POST /loops/{loop_id:str}/hand-over": Route(permits=WORK, page=True, form={"to": "Practitioner/x", "why": "w"}),
    "POST /loops/{loop_id:str}/accept": Route(permits=WORK, page=True, form={}),
    "POST /loops/{loop_id:str}/decline": Route(permits=WORK, page=True, form={"why": "because"}),
    "POST /loops/{loop_id:str}/snooze": Route(permits=WORK, page=True, form={"until": UNTIL}),
    "POST /loops/{loop_id:str}/hold": Route(permits=WORK, page=True, form={"reason": "awaiting", "until": UNTIL}),
    "POST /loops/{loop_id:str}/release": Route(permits=WORK, page=True, form={}),
    "POST /loops/{loop_id:str}/attest": Route(
        permits=WORK, page=True, form={"step": "contact", "proof": "done-elsewhere", "note": "seen"}
    ),
    "POST /loops/{loop_id:str}/use": Route(permits=WORK, page=True, form={"reference": "Observation/x"}),
    "POST /loops/{loop_id:str}/close": Route(
        permits=action(Action.LOOP_CLOSE_WITHOUT_PROOF), page=True, form={"reason": "duplicate", "note": "twice"}
    ),
    "POST /undo": Route(permits=WORK, page=True, form={"act": "{act_id}"}),
    "POST /api/documents": Route(permits=may_bring_documents, form={}),
    "GET /results": Route(permits=RESULTS, page=True),
    "GET /results/tell": Route(permits=RESULTS, page=True),
    "POST /results/tell": Route(permits=TELLS, page=True, form={"loop": "{loop_id}", "way": "MAILWRIT", "text": "x"}),
    "GET /results/{loop_id:str}": Route(permits=RESULTS, page=True),
    "POST /results/{loop_id:str}": Route(permits=TELLS, page=True, form={"act": "tell", "way": "PHONE", "text": "x"}),
    "GET /sheets": Route(permits=WORK, page=True, query="about=Encounter/{encounter_id}", shows=True),
    "POST /sheets": Route(
        permits=WORK, page=True, form={"request": "Encounter/{encounter_id}", "purpose": "facility", "partner": "X"}
    ),
    "GET /sheets/{link_id:str}": Route(permits=WORK, page=True),
    "GET /sheets/{link_id:str}/print": Route(permits=WORK, page=True),
    "POST /sheets/{link_id:str}/withdraw": Route(permits=WORK, page=True, form={}),
    "GET /patients/{patient_id:str}/no-contact-letter": Route(permits=WORK, page=True, shows=True),
    "GET /expected": Route(permits=READ_LIST, page=True, shows=True),
    "POST /expected/{loop_id:str}/chase": Route(permits=WORK, page=True, form={"way": "phone", "note": MARK}),
    "GET /patients/{patient_id:str}/expected": Route(permits=WORK, page=True, shows=True),
    "POST /patients/{patient_id:str}/expected": Route(permits=WORK, page=True, form={"what": "x", "source": "y"}),
    "GET /phone": Route(permits=WORK, page=True, query="about=Encounter/{encounter_id}", shows=True),
    "POST /phone": Route(
        permits=WORK,
        page=True,
        form={"about": "Encounter/{encounter_id}", "script": "hospital", "who": "x", "q-why": "y"},
    ),
    "POST /phone/{communication_id:str}": Route(permits=WORK, page=True, form={"about": "Encounter/{encounter_id}"}),
    "GET /documents": Route(permits=PAPERS, page=True),
    "POST /documents": Route(permits=PAPERS, page=True, form={}),
    "GET /papers/{paper_id:str}": Route(permits=PAPERS, page=True),
    "GET /papers/{paper_id:str}/pages/{place:int}": Route(permits=PAPERS, page=True),
    "POST /papers/{paper_id:str}/find": Route(permits=PAPERS, page=True, form={"text": MARK}, shows=True),
    "POST /papers/{paper_id:str}/attach": Route(permits=PAPERS, page=True, form={"to": "x|", "kind": "form"}),
    "POST /papers/{paper_id:str}/glance": Route(permits=PAPERS, page=True, form={"kind": "form"}),
    "POST /papers/{paper_id:str}/detach": Route(permits=PAPERS, page=True, form={"why": "wrong"}),
    "POST /papers/{paper_id:str}/set-aside": Route(permits=PAPERS, page=True, form={"why": "nobody's"}),
    "POST /papers/{paper_id:str}/turn": Route(permits=PAPERS, page=True, form={"place": "0", "by": "90"}),
    "POST /papers/{paper_id:str}/split": Route(permits=PAPERS, page=True, form={"place": "1"}),
    "GET /documents/{document_id:str}": Route(permits=interaction("read", "DocumentReference"), page=True),
    "GET /documents/{document_id:str}/original": Route(permits=interaction("read", "DocumentReference"), page=True),
    "GET /patients": Route(permits=staff_only, page=True),
    "POST /patients": Route(permits=staff_only, page=True, form={"text": MARK}, shows=True),
    "GET /patients/{patient_id:str}": Route(permits=interaction("read"), page=True, shows=True),
    "GET /patients/{patient_id:str}/assessments": Route(
        permits=interaction("read", "Observation"), page=True, shows=True
    ),
    "POST /patients/{patient_id:str}/assessments": Route(
        permits=interaction("create", "QuestionnaireResponse"), page=True, form={"what": "nothing"}
    ),
    "POST /patients/{patient_id:str}/assessments/act": Route(permits=WORK, page=True, form={"do": "take"}),
    "GET /patients/{patient_id:str}/assessments/{instrument:str}": Route(
        permits=interaction("read", "Observation"), page=True
    ),
    "POST /patients/{patient_id:str}/assessments/{instrument:str}": Route(
        permits=interaction("create", "QuestionnaireResponse"), page=True, form={}
    ),
    "GET /check-ins/{response_id:str}": Route(permits=interaction("read", "QuestionnaireResponse"), page=True),
    "POST /check-ins/{response_id:str}": Route(
        permits=interaction("update", "QuestionnaireResponse"), page=True, form={"do": "finish"}
    ),
    "GET /patients/{patient_id:str}/medicines": Route(
        permits=interaction("search", "MedicationStatement"), page=True, shows=True
    ),
    "POST /patients/{patient_id:str}/medicines": Route(
        permits=lambda one: WORK(one) and may(one, "create", "Communication"), page=True, form={"act": "link"}
    ),
    "GET /patients/{patient_id:str}/medicines/home": Route(permits=interaction("read"), page=True, shows=True),
    "POST /patients/{patient_id:str}/medicines/home": Route(
        permits=lambda one: may(one, "create", "MedicationStatement") and may(one, "create", "List"), page=True
    ),
    "GET /patients/{patient_id:str}/medicines/compare": Route(permits=interaction("read"), page=True, shows=True),
    "POST /patients/{patient_id:str}/medicines/compare": Route(
        permits=lambda one: WORK(one) and may(one, "create", "Procedure"), page=True, form={}
    ),
    "GET /patients/{patient_id:str}/medicines/done/{done:str}": Route(permits=interaction("read"), page=True),
    "POST /patients/{patient_id:str}/medicines/done/{done:str}": Route(
        permits=lambda one: WORK(one) and may(one, "update", "Procedure"),
        page=True,
        form={"act": "withdraw", "why": "x"},
    ),
    "GET /patients/{patient_id:str}/medicines/sheet/{done:str}": Route(permits=interaction("read"), page=True),
    "GET /patients/{patient_id:str}/medicines/note/{done:str}": Route(permits=interaction("read"), page=True),
    "GET /patients/{patient_id:str}/plan": Route(permits=interaction("read"), page=True, shows=True),
    "GET /patients/{patient_id:str}/plan/sheet": Route(permits=interaction("read"), page=True, shows=True),
    "GET /patients/{patient_id:str}/plan/pdf": Route(permits=interaction("read"), page=True),
    "GET /patients/{patient_id:str}/plan/document": Route(
        permits=lambda principal: all(may(principal, "read", one) for one in ("CarePlan", *ccda_export.TYPES)),
        page=True,
    ),
    "POST /patients/{patient_id:str}/plan": Route(
        permits=lambda principal: WORK(principal) and may(principal, "update", "CarePlan"),
        page=True,
        form={"do": "end"},
    ),
    "GET /patients/{patient_id:str}/education": Route(permits=interaction("read"), page=True, shows=True),
    "POST /patients/{patient_id:str}/education": Route(
        permits=lambda principal: WORK(principal) and may(principal, "create", "Communication"), page=True
    ),
    "GET /patients/{patient_id:str}/education/{item_id:str}": Route(permits=interaction("read"), page=True),
    "POST /patients/{patient_id:str}/education/{item_id:str}": Route(
        permits=lambda principal: WORK(principal) and may(principal, "create", "QuestionnaireResponse"), page=True
    ),
    "GET /patients/{patient_id:str}/team": Route(permits=interaction("read"), page=True, shows=True),
    "POST /patients/{patient_id:str}/lead": Route(
        permits=lambda principal: WORK(principal) and may(principal, "update", "CareTeam"),
        page=True,
        form={"what": "offer", "to": "Practitioner/x", "why": "w"},
    ),
    "GET /team": Route(permits=action(Action.TEAM_READ), page=True),
    "POST /team/absences": Route(permits=action(Action.TEAM_READ), page=True, form={"person": "Practitioner/x"}),
    "POST /team/absences/{absence_id:str}/end": Route(permits=action(Action.TEAM_READ), page=True, form={}),
    "POST /team/competencies": Route(permits=action(Action.TEAM_SUPERVISE), page=True, form={"kind": "privacy"}),
    "GET /team/digest": Route(permits=action(Action.TEAM_SUPERVISE), page=True),
    "GET /team/licences": Route(permits=action(Action.TEAM_SUPERVISE), page=True),
    "GET /team/people/{practitioner_id:str}/leave": Route(
        permits=lambda principal: (
            may_act(principal, Action.TEAM_SUPERVISE) or may_act(principal, Action.ACCOUNT_MANAGE)
        ),
        page=True,
    ),
    "POST /team/people/{practitioner_id:str}/leave": Route(
        permits=action(Action.ACCOUNT_MANAGE), page=True, form={"to": ""}
    ),
    "GET /hand-over": Route(permits=WORK, page=True),
    "GET /conferences": Route(permits=WORK, page=True),
    "POST /conferences": Route(permits=WORK, page=True, form={"title": "x"}),
    "GET /conferences/{conference_id:str}": Route(permits=WORK, page=True),
    "POST /conferences/{conference_id:str}": Route(permits=WORK, page=True, form={"what": "end"}),
    "POST /hand-over": Route(permits=WORK, page=True, form={"to": "Practitioner/x", "loop": "x"}),
    "POST /hand-over/{loop_id:str}/answer": Route(permits=WORK, page=True, form={"answer": "accept"}),
    "GET /patients/{patient_id:str}/record": Route(permits=interaction("read"), page=True, shows=True),
    "GET /patients/{patient_id:str}/facts/{kind:str}/{fact_id:str}": Route(permits=interaction("read"), page=True),
    "GET /patients/{patient_id:str}/brief": Route(permits=READ_LIST, page=True, shows=True),
    "GET /patients/{patient_id:str}/packet": Route(permits=READ_LIST, page=True, shows=True),
    "POST /patients/{patient_id:str}/packet": Route(
        permits=READ_LIST, page=True, form={"part": "problems", "purpose": "visit", "do": "paper"}, shows=True
    ),
    "GET /patients/{patient_id:str}/results": Route(permits=interaction("read"), page=True, shows=True),
    "GET /patients/{patient_id:str}/results/{key:str}": Route(permits=interaction("read"), page=True),
    "GET /patients/{patient_id:str}/apps": Route(permits=interaction("read"), page=True, shows=True),
    "GET /patients/{patient_id:str}/apps/{client_id:str}": Route(permits=interaction("read"), page=True),
    "POST /patients/{patient_id:str}/capture": Route(permits=WORK, page=True, form={"text": "x"}, shows=True),
    "POST /patients/{patient_id:str}/part": Route(permits=interaction("update"), page=True, form={"why": "two people"}),
    "GET /find": Route(permits=staff_only, page=True),
    "POST /find": Route(permits=staff_only, page=True, form={"text": MARK}, shows=True),
    "GET /transitions": Route(permits=READ_LIST, page=True, shows=True),
    "GET /notices": Route(permits=READ_LIST, page=True),
    "POST /notices/{notice_id:str}/open": Route(permits=READ_LIST, page=True, form={}),
    "POST /notices/seen": Route(permits=READ_LIST, page=True, form={"id": "x"}),
    "GET /notices/settings": Route(permits=READ_LIST, page=True),
    "POST /notices/settings": Route(
        permits=READ_LIST, page=True, form={"address": "", "digest": "07:30", "from": "19:00", "until": "07:00"}
    ),
    "POST /notices/kinds": Route(permits=READ_LIST, page=True, form={"kind": "late", "way": "product"}),
    "GET /notices/ignored": Route(permits=READ_LIST, page=True),
    "POST /notices/on-call": Route(
        permits=action(Action.TEAM_SUPERVISE), page=True, form={"person": "x", "starts": UNTIL, "ends": UNTIL}
    ),
    "POST /notices/on-call/{on_call_id:str}/remove": Route(permits=action(Action.TEAM_SUPERVISE), page=True, form={}),
    "GET /episodes": Route(permits=READ_LIST, page=True, query="scope=team"),
    "GET /patients/{patient_id:str}/episodes": Route(permits=READ_LIST, page=True, shows=True),
    "GET /patients/{patient_id:str}/contacts": Route(permits=READ_LIST, page=True, shows=True),
    "POST /patients/{patient_id:str}/contacts": Route(
        permits=interaction("update"), page=True, form={"hours": "mornings"}
    ),
    "POST /loops/{loop_id:str}/put-off": Route(permits=WORK, page=True, form={}),
    "GET /referrals": Route(permits=READ_LIST, page=True, shows=True),
    "POST /referrals/remind": Route(permits=WORK, page=True, form={}),
    "GET /referrals/times": Route(permits=READ_LIST, page=True),
    "GET /referrals/figures": Route(permits=READ_LIST, page=True),
    "GET /patients/{patient_id:str}/refer": Route(permits=WORK, page=True, shows=True),
    "POST /patients/{patient_id:str}/refer": Route(permits=WORK, page=True, form={"service": "Eyes", "do": "save"}),
    "GET /referrals/{request_id:str}": Route(permits=READ_LIST, page=True, shows=True),
    "POST /referrals/{request_id:str}/{what:str}": Route(permits=WORK, page=True, form={"why": "not needed"}),
    "GET /questions": Route(permits=interaction("search", "Task"), page=True),
    "GET /questions/new": Route(permits=WORK, page=True, shows=True, query="loop={loop_id}"),
    "GET /my-week": Route(permits=CLINICIAN, page=True),
    "POST /my-week": Route(permits=CLINICIAN, page=True, form={"weekday": "5"}),
    "GET /questions/next": Route(permits=interaction("search", "Task"), page=True),
    "GET /questions/{question_id:str}": Route(permits=interaction("search", "Task"), page=True),
    "POST /questions/new": Route(permits=WORK, page=True, form={"text": "?"}),
    "POST /questions/{question_id:str}": Route(permits=interaction("update", "Task"), page=True, form={"said": "yes"}),
    "GET /messages": Route(permits=READ_LIST, page=True, shows=True),
    "GET /messages/{message_id:str}": Route(permits=READ_LIST, page=True, shows=True),
    "POST /messages/{message_id:str}": Route(permits=WORK, page=True, form={"do": "read"}),
    "GET /monitoring": Route(permits=READ_LIST, page=True),
    "GET /monitoring/load": Route(permits=READ_LIST, page=True),
    "GET /monitoring/alerts/{alert_id:str}": Route(permits=READ_LIST, page=True),
    "POST /monitoring/alerts/{alert_id:str}": Route(
        permits=interaction("update", "DetectedIssue"), page=True, form={"what": "seen"}
    ),
    "GET /patients/{patient_id:str}/vitals": Route(permits=READ_LIST, page=True),
    "POST /patients/{patient_id:str}/vitals": Route(
        permits=interaction("create", "Observation"), page=True, form={"what": "typed", "weight": "80"}
    ),
    "POST /patients/{patient_id:str}/vitals/file": Route(
        permits=interaction("create", "Observation"), page=True, form={}
    ),
    "GET /patients/{patient_id:str}/limits": Route(permits=READ_LIST, page=True),
    "POST /patients/{patient_id:str}/limits": Route(
        permits=interaction("create", "DeviceRequest"), page=True, form={"n-weight-day": "3"}
    ),
    "POST /p/{code:str}/today": Route(form={"proof": "x", "do": "answer"}),
    "GET /monitoring/today": Route(permits=READ_LIST, page=True),
    "POST /monitoring/today": Route(permits=interaction("update", "DetectedIssue"), page=True, form={"check_in": "x"}),
    "GET /patients/{patient_id:str}/check-in": Route(permits=READ_LIST, page=True),
    "POST /patients/{patient_id:str}/check-in": Route(
        permits=interaction("create", "QuestionnaireResponse"), page=True, form={"do": "answer"}
    ),
    "GET /contradictions": Route(permits=WORK, page=True, shows=True),
    "GET /contradictions/{contradiction_id:str}": Route(permits=WORK, page=True, shows=True),
    "POST /contradictions/{contradiction_id:str}": Route(
        permits=WORK, page=True, form={"why": "x", "decision": "left"}
    ),
    "POST /contradictions/{contradiction_id:str}/reopen": Route(permits=WORK, page=True, form={}),
    "GET /matches": Route(permits=interaction("search"), page=True, shows=True),
    "POST /matches/{match_id:str}": Route(
        permits=interaction("update"), page=True, form={"decision": "different", "why": "two people"}
    ),
    "POST /matches/{match_id:str}/undo": Route(permits=interaction("update"), page=True, form={}),
    "GET /arrivals": Route(permits=INBOX, page=True),
    "GET /arrivals/{inbox_id:int}": Route(permits=INBOX, page=True, shows=True),
    "POST /arrivals/{inbox_id:int}/replay": Route(permits=REPAIR, page=True, form={}),
    "POST /arrivals/{inbox_id:int}/correct": Route(permits=REPAIR, page=True, form={"corrected": "MSH|"}),
    "POST /arrivals/{inbox_id:int}/discard": Route(permits=REPAIR, page=True, form={"why": "not ours"}),
    "POST /arrivals/{inbox_id:int}/accept-sender": Route(permits=REPAIR, page=True, form={}),
    "GET /feeds": Route(permits=INBOX, page=True),
    "GET /feeds/lines": Route(permits=INBOX, page=True),
    "GET /feeds/{feed_id:int}": Route(permits=FEEDS, page=True),
    "POST /feeds/{feed_id:int}": Route(permits=FEEDS, page=True, form={"name": MARK, "zone": "UTC", "base": "0"}),
    "POST /feeds/{feed_id:int}/undo": Route(permits=FEEDS, page=True, form={"version": "1", "base": "0"}),
    "POST /feeds/{feed_id:int}/retry": Route(permits=FEEDS, page=True, form={}),
    "GET /feeds/{feed_id:int}/report": Route(permits=INBOX, page=True),
    "GET /feeds/{feed_id:int}/letter": Route(permits=INBOX, page=True),
    "GET /feeds/{feed_id:int}/report.csv": Route(permits=INBOX, page=True),
    "GET /loops/{loop_id:str}/steps/{step_id:str}": Route(permits=WORK, page=True, shows=True),
    "POST /loops/{loop_id:str}/steps/{step_id:str}": Route(permits=WORK, page=True, form={"way": "0", "text": "x"}),
    "GET /loops/{loop_id:str}/adapt": Route(permits=WORK, page=True, shows=True),
    "POST /loops/{loop_id:str}/adapt": Route(
        permits=WORK, page=True, form={"do": "clock", "step": "contact", "due": UNTIL, "reason": "other", "note": "n"}
    ),
    "GET /rules": Route(permits=RULES, page=True),
    "GET /rules/skipped": Route(permits=RULES, page=True),
    "GET /rules/{kind:str}/{name:str}": Route(permits=RULES, page=True),
    "GET /rules/{kind:str}/{name:str}/rehearsal": Route(permits=RULES, page=True),
    "POST /rules/{kind:str}/{name:str}": Route(permits=RULES, page=True, form={"note": "Shorter"}),
    "POST /rules/{kind:str}/{name:str}/do": Route(permits=RULES, page=True, form={"do": "send", "version": "x"}),
    "GET /deliveries": Route(permits=INBOX, page=True),
    "GET /deliveries/{delivery_id:int}": Route(permits=INBOX, page=True, shows=True),
    "POST /deliveries/{delivery_id:int}/retry": Route(permits=REPAIR, page=True, form={}),
    "GET /schedule": Route(permits=interaction("search", "Appointment"), page=True),
    "GET /schedule/book": Route(
        permits=interaction("create", "Appointment"), page=True, query="patient={patient_id}", shows=True
    ),
    "POST /schedule/book": Route(
        permits=interaction("create", "Appointment"), page=True, form={"patient": "{patient_id}", "kind": "office"}
    ),
    "GET /schedule/visits/{appointment_id:str}": Route(
        permits=interaction("read", "Appointment"), page=True, shows=True
    ),
    "POST /schedule/visits/{appointment_id:str}": Route(
        permits=interaction("update", "Appointment"), page=True, form={"act": "confirm"}
    ),
    "GET /schedule/waiting": Route(permits=interaction("search", "Appointment"), page=True, shows=True),
    "POST /schedule/offers/{offer_id:str}": Route(
        permits=interaction("update", "Appointment"), page=True, form={"answer": "accepted"}
    ),
    "GET /schedule/missed": Route(permits=interaction("search", "Appointment"), page=True),
    "POST /schedule/fixes/{task_id:str}": Route(
        permits=interaction("update", "Task"), page=True, form={"answer": "done"}
    ),
    "GET /schedule/hours/{practitioner_id:str}": Route(permits=interaction("search", "Appointment"), page=True),
    "POST /schedule/hours/{practitioner_id:str}": Route(
        permits=interaction("update", "Schedule"), page=True, form={"act": "hours"}
    ),
    "GET /schedule/home-day": Route(permits=interaction("search", "Appointment"), page=True),
    "POST /schedule/home-day": Route(
        permits=interaction("update", "Appointment"), page=True, form={"who": "Practitioner/x"}
    ),
    "GET /schedule/home-day/packet": Route(
        permits=interaction("search", "Appointment"), page=True, query="who=Practitioner/x"
    ),
    "GET /calendar/{secret:str}": Route(),
    "GET /join/{secret:str}": Route(),
    "GET /settings": Route(permits=staff_only, page=True),
    "POST /settings": Route(permits=staff_only, page=True, form={"theme": "dark"}),
    "GET /help": Route(permits=staff_only, page=True),
    "GET /rules/rank": Route(permits=staff_only, page=True),
}

CLOSED = [key for key, route in MATRIX.items() if route.permits is not None]


@dataclass(kw_only=True)
class Practice:
    """A tenant, one session for each role, a client, and the ids of what it holds."""

    tenant: Tenant
    sessions: dict[Role, str] = field(default_factory=dict)
    client_token: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    def principal(self, role: Role | None) -> Principal:
        """What the product should make of the credential of this role, or of the client (None)."""
        if role is None:
            return Principal(
                tenant_id=self.tenant.id, kind=PrincipalKind.CLIENT, id="c", name="c", scopes=("system/*.cruds",)
            )
        return Principal(tenant_id=self.tenant.id, kind=PrincipalKind.USER, id="u", name="u", roles=frozenset({role}))


def open_practice(app: App, mark: str) -> Practice:
    """A practice with a patient after a stay, a possible match and a dead letter, all named with `mark`."""
    lead = NewStaff(username="lead", name="Lea Lead", roles=[Role.MANAGER])
    created = tenants.create(app, f"matrix-{os.getpid()}-{next(_numbers)}", "Practice", "America/New_York", lead=lead)
    practice, now = Practice(tenant=created.tenant), app.clock.now()
    with app.database.transaction(created.tenant.id) as tx:
        for role in Role:
            accounts.create_account(tx, open_keyring(app.settings.data_dir), now, NewAccount(
                id=role.value, username=role.value, name=f"The {role.value}", practitioner_id=f"p-{role.value}",
                roles=[role],
            ))  # fmt: skip
            practice.sessions[role] = sessions.open_session(tx, role.value, now, lasts=timedelta(hours=1))
        made = clients.create_client(tx, now, name="matrix", scope="system/*.cruds")
        practice.client_token = tokens.issue_token(tx, made.client.id, made.client.scopes, now)
    practice.ids = _fill(app, created.tenant, mark)
    return practice


def _fill(app: App, tenant: Tenant, mark: str) -> dict[str, str]:
    principal, now = system_principal(tenant.id, "test"), app.clock.now()
    ids = {
        "resource_type": "Patient",
        "resource_id": new_id(),
        "version": "1",
        "encounter_id": new_id(),
        "inside": "Patient",
        "request_id": new_id(),
        "what": "cancel",
    }
    patient = {
        "resourceType": "Patient", "id": ids["resource_id"], "gender": "female", "birthDate": "1950-04-03",
        "name": [{"family": mark, "given": ["Anna"]}], "identifier": [{"system": "urn:mrn", "value": f"{mark}-1"}],
        "address": [{"line": [f"1 {mark} Street"], "city": "Troy", "postalCode": "12180"}],
        "telecom": [{"system": "phone", "value": "518-555-0101"}],
    }  # fmt: skip
    twin = {**patient, "id": new_id(), "identifier": [{"system": "urn:mrn", "value": f"{mark}-2"}]}
    start, end = (now - timedelta(days=4)).isoformat(), (now - timedelta(days=1)).isoformat()
    stay = {
        "resourceType": "Encounter", "id": ids["encounter_id"], "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{ids['resource_id']}"}, "period": {"start": start, "end": end},
        "hospitalization": {
            "dischargeDisposition": {"coding": [{"system": "https://www.nubc.org/patient-discharge", "code": "01"}]}
        },
    }  # fmt: skip
    allergies = [
        {"resourceType": "AllergyIntolerance", "id": new_id(), "code": code,
         "patient": {"reference": f"Patient/{ids['resource_id']}"}}
        for code in ({"text": "Penicillin"}, {"text": "No known allergies"})
    ]  # fmt: skip
    referral = {
        "resourceType": "ServiceRequest", "id": ids["request_id"], "status": "active", "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}], "code": {"text": "Eyes"},
        "subject": {"reference": f"Patient/{ids['resource_id']}"}, "authoredOn": now.isoformat(),
    }  # fmt: skip
    writes = [
        Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one)
        for one in (patient, twin, stay, *allergies, referral)
    ]
    with app.database.transaction(tenant.id) as tx:
        for one in writes:
            writing.write(app, tx, principal, [one])
        ids["step_id"] = "contact"
        ids["loop_id"] = str(tx.value("select id::text from loop where pathway = 'discharge-transition'"))
        message = {
            "resourceType": "Communication", "id": new_id(), "status": "completed", "sent": now.isoformat(),
            "subject": {"reference": f"Patient/{ids['resource_id']}"},
            "sender": {"reference": f"Patient/{ids['resource_id']}"}, "payload": [{"contentString": f"{mark}?"}],
        }  # fmt: skip
        wrote = Write(method="update", resource_type="Communication", id=str(message["id"]), resource=message)
        writing.write(app, tx, principal, [wrote])
        ids["question_id"] = new_id()
        ids["message_id"] = str(tx.value("select id::text from loop where pathway = 'patient-message'"))
        contradictions.review(app, tx, [ids["resource_id"]])
        ids["contradiction_id"] = contradictions.of_patient(app, tx, ids["resource_id"])[0].id
        for name, status in (("appointment_id", "booked"), ("waiting_id", "waitlist")):
            ids[name] = new_id()
            visit = {
                "resourceType": "Appointment", "id": ids[name], "status": status,
                "start": (now + timedelta(days=2)).isoformat(), "end": (now + timedelta(days=2, hours=1)).isoformat(),
                "participant": [{"actor": {"reference": f"Patient/{ids['resource_id']}"}, "status": "accepted"}],
            }  # fmt: skip
            one = Write(method="update", resource_type="Appointment", id=ids[name], resource=visit)
            writing.write(app, tx, principal, [one])
        ids["match_id"] = str(identifying.review_queue(app, tx, principal).items[0].id)
        broken = receive_broken(tx, now, f"PID|||{mark}".encode(), Origin(kind="feed", source=mark), "not a message")
        ids["delivery_id"] = _deliver(app, tx, f"Patient/{ids['resource_id']}", mark)
    door = Feed(id=None, kind="hl7v2", zone="UTC", name=f"{mark} hospital", port=30000 + tenant.id)
    ids["feed_id"] = str(feeds.add_feed(app, principal, tenant, door).id)
    page = jpeg(sheet(dots=60))
    paper = document_inbox.receive(app, principal, f"{mark}.jpg", page, "upload").paper_id
    ids |= {"paper_id": paper, "place": "0"}
    return {**ids, "patient_id": ids["resource_id"], "inbox_id": str(broken), "act_id": new_id()}


def _deliver(app: App, tx: Transaction, subject: str, mark: str) -> str:
    """A message about the patient that waits for another system."""
    delivery = NewDelivery(
        target="Feed/1", kind=TargetKind.HL7V2, subject=subject, about="ADT^A31", idempotency=new_id(),
        payload={"control_id": "1"}, body=f"PID|||{mark}".encode(),
    )  # fmt: skip
    outbox.enqueue(app, tx, [delivery])
    return str(outbox_store.listed(tx).items[0].id)


@pytest.fixture(scope="module")
def marked_app(_app) -> App:
    return _app


@pytest.fixture(scope="module")
def marked(marked_app: App) -> Practice:
    """The practice whose data carry the mark."""
    return open_practice(marked_app, MARK)


@pytest.fixture(scope="module")
def reader(marked_app: App) -> Practice:
    """A practice with the same mark that nobody changes."""
    return open_practice(marked_app, MARK)


@pytest.fixture(scope="module")
def foreign(marked_app: App) -> Practice:
    """Another practice with data of its own."""
    return open_practice(marked_app, "Otherwise")


@pytest.fixture(scope="module")
def web(marked_app: App) -> Iterator[TestClient[Any]]:
    with TestClient(create_asgi(marked_app), base_url=HOST) as client:
        yield client


def send(web: TestClient[Any], key: str, who: Practice | None, role: Role | None, ids: Mapping[str, str]) -> Any:
    """The request of one line of the matrix, by a role's session or the client's token, for these ids."""
    route = MATRIX[key]
    method, _, template = key.partition(" ")
    path = re.sub(r"\{(\w+):\w+\}", lambda match: str(ids.get(match[1], "x")), template)
    headers: dict[str, str] = {"Origin": HOST}
    form = {name: value.format(**ids) if "{" in value else value for name, value in (route.form or {}).items()}
    if who is not None and role is not None:
        headers["Cookie"] = f"careloop_session={who.sessions[role]}"
        headers["X-CSRF-Token"] = sessions.csrf_token(who.sessions[role])
    elif who is not None:
        headers["Authorization"] = f"Bearer {who.client_token}"
    content: dict[str, Any] = {}
    if route.body:
        kind = "application/json-patch+json" if method == "PATCH" else FHIR
        content = {"content": route.body.replace("{id}", ids["resource_id"])}
        headers["Content-Type"] = kind
    elif route.form is not None:
        content, headers["Content-Type"] = {"data": form}, FORM
    query = route.query.format(**ids)
    return web.request(
        method, path + (f"?{query}" if query else ""), headers=headers, follow_redirects=False, **content
    )


def roles_for(key: str) -> list[Role | None]:
    """Who asks: every role, and a client where the route takes tokens."""
    return [*Role, *([] if MATRIX[key].page else [None])]


def strangers_for(key: str) -> list[Role | None]:
    """Who asks from another practice: those who may most, one of the others in turn, a client. What they are refused
    is refused by the practice, not by the role."""
    others = [role for role in Role if role not in (Role.MANAGER, Role.ADMINISTRATOR)]
    turn = others[sum(map(ord, key)) % len(others)]
    return [Role.MANAGER, turn, *([] if MATRIX[key].page else [None])]


_AS_LEFT: dict[str, dict[str, str]] = {}
"""The state in which the case before left the practice, so that it is looked at once a case."""


def state_of(app: App, tenant: Tenant) -> dict[str, str]:
    """A digest of each table of the tenant, but for what looking around leaves behind."""
    with app.database.transaction(tenant.id) as tx:
        names = [row["name"] for row in tx.rows(
            "select class.relname as name from pg_class as class join pg_attribute on attrelid = class.oid"
            " where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and attname = 'tenant_id'"
        )]  # fmt: skip
        looked = [name for name in names if name not in ("audit_event", "audit_seal", "staff_session")]
        each = " union all ".join(
            f"select '{name}' as name, count(*)::text || ' ' ||"
            f" coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) as digest from {name} as t"
            for name in looked
        )
        return {row["name"]: row["digest"] for row in tx.rows(each)}


def test_every_route_is_in_the_matrix(web):
    served = {
        f"{method} {route.path}"
        for route in web.app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
        if method not in ("OPTIONS", "HEAD")
    }
    assert served == set(MATRIX)


@pytest.mark.parametrize("key", CLOSED)
def test_without_a_credential_nothing_is_answered(web, marked, key):
    answer = send(web, key, None, None, marked.ids)
    if MATRIX[key].page:
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"), answer.status_code
    else:
        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers
    assert MARK not in answer.text


@pytest.mark.parametrize("key", CLOSED)
def test_nobody_of_another_practice_sees_changes_or_learns_anything(marked_app, web, marked, foreign, key):
    # A PUT with an id that only the other practice has creates it here, which later lines would find.
    if key.startswith("PUT /fhir/{resource_type:str}/{"):
        foreign = open_practice(marked_app, "Otherwise")
    before = _AS_LEFT.pop(marked.tenant.slug, None) or state_of(marked_app, marked.tenant)
    nobody = {**marked.ids, **{
        name: "999999999" if value.isdigit() else new_id()
        for name, value in marked.ids.items()
        if name not in ("resource_type", "version", "inside")
    }}  # fmt: skip
    for role in strangers_for(key):
        if key == "POST /sign-out":
            continue
        answer = send(web, key, foreign, role, marked.ids)
        missing = send(web, key, foreign, role, nobody)
        echo = {MARK} if MARK in str(MATRIX[key].form) + MATRIX[key].query else set()
        text = answer.text.replace(f"name={MARK}", "").replace(f'value="{MARK}"', "") if echo else answer.text
        if "“" in text:
            text = text.replace(f"“{MARK}”", "")
        assert MARK not in text, (role, answer.status_code)
        assert answer.status_code == missing.status_code, role
    after = state_of(marked_app, marked.tenant)
    assert after == before
    _AS_LEFT[marked.tenant.slug] = after


@pytest.mark.parametrize("key", CLOSED)
def test_each_role_may_what_the_policy_says_and_nothing_else(web, marked, key):
    permits = MATRIX[key].permits
    assert permits is not None
    asking = sorted(roles_for(key), key=lambda role: permits(marked.principal(role)))
    for role in asking:
        if key == "POST /sign-out":
            continue
        answer = send(web, key, marked, role, marked.ids)
        assert answer.status_code < 500, (role, answer.text)
        if permits(marked.principal(role)):
            assert answer.status_code not in (401, 403), (role, answer.text)
            assert not answer.headers.get("location", "").startswith("/sign-in"), role
        else:
            assert answer.status_code == 403, (role, answer.status_code, answer.text[:300])
            assert MARK not in answer.text, role


@pytest.mark.parametrize("key", [key for key in CLOSED if MATRIX[key].shows])
def test_the_own_staff_see_the_mark(web, reader, key):
    """The positive control: were the mark never shown, the tests above could not fail."""
    assert MARK in send(web, key, reader, Role.MANAGER, reader.ids).text


@pytest.mark.parametrize("key", [key for key in CLOSED if MATRIX[key].shows and "arrivals" not in key])
def test_whoever_sees_a_patient_is_in_the_audit_trail_with_that_patient(marked_app, web, reader, key):
    def entries() -> int:
        with marked_app.database.transaction(reader.tenant.id) as tx:
            found = tx.value(
                "select count(*) from audit_event where patient_ids @> array[%(patient)s] and outcome = '0'"
                " and agent_id = 'manager'",
                {"patient": reader.ids["patient_id"]},
            )
        return int(found)

    before = entries()
    assert MARK in send(web, key, reader, Role.MANAGER, reader.ids).text
    assert entries() > before


@pytest.mark.parametrize("key", [key for key in CLOSED if not key.startswith("GET")])
def test_a_change_by_cookie_needs_our_own_page_and_its_token(web, marked, key):
    method, _, template = key.partition(" ")
    path = re.sub(r"\{(\w+):\w+\}", lambda match: str(marked.ids.get(match[1], "x")), template)
    token = marked.sessions[Role.MANAGER]
    cookie = {"Cookie": f"careloop_session={token}"}
    for headers in (
        {"X-CSRF-Token": sessions.csrf_token(token), "Origin": "https://evil.example"},
        {"X-CSRF-Token": sessions.csrf_token(token)},
        {"X-CSRF-Token": "wrong", "Origin": HOST},
        {"Origin": HOST},
    ):
        content: dict[str, Any] = {"content": MATRIX[key].body} if MATRIX[key].body else {"data": {"text": "x"}}
        answer = web.request(method, path, headers={**cookie, **headers}, follow_redirects=False, **content)
        assert answer.status_code == 403, (headers, answer.text[:200])


def test_the_trail_is_read_over_fhir_by_patient(web, reader):
    path = f"/fhir/Patient/{reader.ids['patient_id']}"
    token = {"Authorization": f"Bearer {reader.client_token}"}
    assert web.get(path, headers=token).status_code == 200
    found = web.get(f"/fhir/AuditEvent?patient={reader.ids['patient_id']}&action=R&_count=1", headers=token).json()
    event = found["entry"][0]["resource"]
    assert event["agent"][0]["who"]["display"] == "matrix"
    assert event["entity"][0]["what"]["reference"] == path.removeprefix("/fhir/")
    again = web.get(f"/fhir/AuditEvent/{event['id']}", headers=token)
    assert again.json() == event
    following = next(link["url"] for link in found["link"] if link["relation"] == "next")
    assert web.get(following, headers=token).json()["entry"][0]["resource"]["id"] != event["id"]
    for method in ("PUT", "DELETE"):
        headers = {**token, "Content-Type": FHIR}
        refused = web.request(
            method, f"/fhir/AuditEvent/{event['id']}", headers=headers, content='{"resourceType":"X"}'
        )
        assert refused.status_code in (403, 405)
    assert web.get("/fhir/AuditEvent?color=red", headers=token).status_code == 400


def test_a_denial_is_in_the_audit_trail(marked_app, web, marked):
    assert send(web, "GET /arrivals", marked, Role.BILLER, marked.ids).status_code == 403
    assert send(web, "GET /api/inbox", marked, Role.BILLER, marked.ids).status_code == 403
    with marked_app.database.transaction(marked.tenant.id) as tx:
        denied = tx.rows(
            "select detail from audit_event where outcome = '8' and agent_id = 'biller' order by id desc limit 2"
        )
    assert [row["detail"] for row in denied] == ["inbox.read is not permitted"] * 2
