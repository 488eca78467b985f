"""Rows to find a resource by."""

from datetime import UTC

import pytest

from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.tokens import field_hash
from careloop.record.indexing import LONG_ALONE, ONE_OF_SEVERAL, SHORT_ALONE, Indexer


@pytest.fixture(scope="module")
def indexer() -> Indexer:
    return Indexer(SearchDefinitions.load())


def encounter(**period) -> dict:
    return {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"}, "period": period,
            "subject": {"reference": "Patient/p"}}  # fmt: skip


def test_short_and_long_dates_are_told_apart(indexer):
    [short] = indexer.rows(1, UTC, encounter(start="2024-01-01", end="2024-01-02")).dates
    [long] = indexer.rows(1, UTC, encounter(start="2024-01-01")).dates
    assert (short.shape, long.shape) == (SHORT_ALONE, LONG_ALONE)


def test_one_date_of_several_is_marked(indexer):
    detail = [
        {"detail": {"status": "scheduled", "scheduledPeriod": {"start": day, "end": day}}}
        for day in ("2024-01-05", "2024-02-05")
    ]
    plan = {"resourceType": "CarePlan", "id": "c", "subject": {"reference": "Patient/p"}, "activity": detail}
    field = field_hash(1, "CarePlan", "activity-date")
    assert {row.shape for row in indexer.rows(1, UTC, plan).dates if row.field == field} == {ONE_OF_SEVERAL}


def test_tokens_that_only_say_that_there_is_a_value_stand_apart(indexer):
    rows = indexer.rows(1, UTC, encounter(start="2024-01-01"))
    assert rows.present
    assert not set(rows.present) & set(rows.tokens)
    assert rows.patient_id == "p"
    assert rows.references == ("Patient/p",)


def test_two_tenants_share_no_row(indexer):
    one, other = (indexer.rows(tenant, UTC, encounter(start="2024-01-01")) for tenant in (1, 2))
    assert not set(one.tokens) & set(other.tokens)
    assert {row.field for row in one.dates}.isdisjoint(row.field for row in other.dates)


def test_a_patient_who_was_merged_away_is_not_found_by_number(indexer):
    number = {"identifier": [{"system": "urn:a", "value": "7"}]}
    person = {"resourceType": "Patient", "id": "p", "gender": "female", **number}
    merged = {**person, "link": [{"type": "replaced-by", "other": {"reference": "Patient/q"}}]}
    nameless = {name: value for name, value in merged.items() if name != "identifier"}
    assert indexer.rows(1, UTC, merged) == indexer.rows(1, UTC, nameless)
    assert set(indexer.rows(1, UTC, person).tokens) - set(indexer.rows(1, UTC, merged).tokens)
    survivor = {**person, "link": [{"type": "replaces", "other": {"reference": "Patient/o"}}]}
    assert set(indexer.rows(1, UTC, person).tokens) <= set(indexer.rows(1, UTC, survivor).tokens)
