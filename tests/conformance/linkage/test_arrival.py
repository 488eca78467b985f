"""FEBRL 4 through the real doors: one file in the record, the other asked for by `$match` and then written."""

import json
from pathlib import Path

import pytest
from tests.conformance.linkage import packs

from careloop.access.model import Tenant, system_principal
from careloop.access.tenancy import change_settings
from careloop.flows import matching
from careloop.flows.app import App
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document
from careloop.identity.model import Grade

pytestmark = [pytest.mark.shared, pytest.mark.long]
_ASKED = (Grade.CERTAIN, Grade.PROBABLE)


def document(patient: packs.Patient) -> Document:
    return Document(label=patient["id"], text=json.dumps(patient).encode())


def test_febrl_4_by_match_and_by_joins_without_a_person(app: App, tenant: Tenant, shared: Path, record_property):
    ones, twos = (packs.febrl(shared, f"dataset4{half}.csv") for half in "ab")
    principal = system_principal(tenant.id, "test")
    with app.database.transaction(tenant.id) as tx:
        change_settings(tx, tenant, match_join="certain", match_join_points=30)
    import_bundles(app, tenant, principal, (document(patient) for _, patient in ones))
    right = wrong = 0
    with app.database.transaction(tenant.id) as tx:
        for who, patient in twos:
            asked = {key: value for key, value in patient.items() if key != "id"}
            found = matching.match(app, tx, principal, asked, count=5, only_certain=False)
            told = [one.patient.id for one in found if one.scored.grade in _ASKED]
            right += sum(one.split("-")[1] == who for one in told)
            wrong += sum(one.split("-")[1] != who for one in told)
    f1 = 2 * right / (2 * right + wrong + len(twos) - right)
    import_bundles(app, tenant, principal, (document(patient) for _, patient in twos))
    with app.database.transaction(tenant.id) as tx:
        merges = tx.rows("select prior_id, survivor_id from patient_merge where undone is null")
    wrong_joins = sum(row["prior_id"].split("-")[1] != row["survivor_id"].split("-")[1] for row in merges)
    record_property("febrl4 at arrival", {"f1": f1, "joined": len(merges), "joined wrongly": wrong_joins})
    assert f1 >= 0.98
    assert len(merges) >= 1_500
    assert wrong_joins * 10_000 <= len(merges)
