"""A practice that is filled by COPY into bare tables is one that the product could have written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from careloop.access.model import Tenant
from careloop.bench import crowd, population, worklists
from careloop.bench.installation import Place, installation
from careloop.db import Database
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.tokens import word
from careloop.flows import verifying
from careloop.record.indexing import Indexer
from careloop.record.store import WORDS

TEMPLATES, OPEN, PATIENTS, LOOPS, LIVE = 12, 60, 90, 150, 12
QUEUED = {"P00000050"}
"""Whose loops nobody took: one of fifty, but not those of the real path."""
_SCHEMA = """
select 'index ' || indexrelid::regclass as name, pg_get_indexdef(indexrelid) as says from pg_index
 where indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
union all
select 'constraint ' || conrelid::regclass || conname, pg_get_constraintdef(oid) from pg_constraint
 where connamespace = 'public'::regnamespace and contype <> 'n'
union all
select 'trigger ' || tgrelid::regclass || tgname, pg_get_triggerdef(oid) || tgenabled::text from pg_trigger
 where not tgisinternal
"""
_LEFT_OUT = {"(open_without_owner)", "(unexplained)", "(task_differs)", "(not_derived)"}
"""What copies whose clocks rest do not have: the chain of owners, Provenance, Tasks; and ended ones: the facts."""


@pytest.fixture(scope="module")
def schemas() -> list[dict[str, str]]:
    """Indexes, constraints and triggers, before and after the practice was filled."""
    return []


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, schemas: list[dict[str, str]]) -> Iterator[Place]:
    """A practice in an installation of its own."""
    folder: Path = tmp_path_factory.mktemp("practice")
    with installation(folder) as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr(population, "TEMPLATES", TEMPLATES)
        patch.setattr(population, "QUEUE_EACH", 50)
        schemas.append(_schema(made))
        size = worklists.Size(patients=PATIENTS, loops=LOOPS, open=OPEN, owners=3, sweep=LIVE)
        owners = worklists._staff(made, size.owners)
        population.fill(made, patients=PATIENTS, loops=LOOPS, open_loops=OPEN, owners=owners, live=LIVE)
        schemas.append(_schema(made))
        yield made


def _schema(place: Place) -> dict[str, str]:
    return {row["name"]: row["says"] for row in _as_owner(place, _SCHEMA)}


def _as_owner(place: Place, sql: str) -> list[dict[str, Any]]:
    owner = Database(place.urls.owner, max_size=1).open()
    try:
        with owner.transaction(place.tenant.id) as tx:
            return tx.rows(sql)
    finally:
        owner.close()


def test_tables_have_the_indexes_keys_and_triggers_that_they_had(place: Place, schemas: list[dict[str, str]]) -> None:
    assert schemas[0] == schemas[1]
    assert place.tenant.slug == "bench"


def test_the_practice_is_as_large_as_asked(place: Place) -> None:
    with place.app.database.transaction(place.tenant.id) as tx:
        kinds = {row["type"]: row["n"] for row in tx.rows("select type, count(*) as n from resource group by 1")}
        loops = tx.rows("select is_open, count(*) as n from loop group by 1")
        places = tx.value("select count(*) from loop_place")
        leads = tx.value("select count(distinct patient_id) from lead where led_until is null")
        looks = tx.value("select count(*) from responsibility_look")
        queued = tx.rows("select patient_id from loop where is_open and owner like 'CareTeam/%' order by 1")
    assert kinds["Patient"] == PATIENTS
    assert kinds["CareTeam"] == OPEN - len(QUEUED) + 1, "the queue is one too"
    assert {row["is_open"]: row["n"] for row in loops} == {True: OPEN, False: LOOPS - OPEN}
    assert (places, leads, looks) == (OPEN, OPEN, 0)
    assert {row["patient_id"] for row in queued} <= QUEUED
    assert queued


def test_every_index_row_feed_entry_and_fact_is_what_the_record_would_have_written(place: Place) -> None:
    with place.app.database.transaction(place.tenant.id) as tx:
        assert place.app.record.verify(tx) == []


def test_loops_are_what_the_engine_would_have_written_but_for_what_copies_leave_out(place: Place) -> None:
    found = verifying.verify_tenant(place.app, place.tenant)
    assert {one.at.split()[-1] for one in found} == _LEFT_OUT
    with place.app.database.transaction(place.tenant.id) as tx:
        whole = {row["id"] for row in tx.rows("select id::text from loop where wake_at < '9999-01-01'")}
        ended = {row["id"] for row in tx.rows("select id::text from loop where not is_open")}
    assert len(whole) >= LIVE
    assert not [one for one in found if one.at.split()[1] in whole]
    assert {one.at.split()[1] for one in found if "(not_derived)" in one.at} == ended


def test_a_person_of_the_crowd_is_written_like_one_who_came_by_the_real_path(place: Place) -> None:
    """The rows for a person who is there already, made again, are the rows that stand."""
    number = 5
    practice = crowd.practice_of(place)
    lines, _ = crowd.rows_of(practice, Indexer(SearchDefinitions.load()), [crowd.person(number)], 7)
    owner = Database(place.urls.owner, max_size=1).open()
    try:
        with owner.transaction(place.tenant.id) as tx:
            key = tx.value("select key from resource where type = 'Patient' and id = 'P00000005'")
            for table in _COMPARED:
                copied = f"{table} (like public.{table} including defaults including identity)"
                tx.execute(f"create temporary table {copied} on commit drop")
            lines.write(tx)
            for table, (columns, where) in _COMPARED.items():
                made = tx.rows(f"select {columns} from pg_temp.{table}")
                stands = tx.rows(f"select {columns} from public.{table} where {where}", {"key": key})
                assert made, table
                assert sorted(map(str, made)) == sorted(map(str, stands)), table
    finally:
        owner.close()


def test_words_that_another_database_has_are_written_here_too(place: Place, database: Database, tenant: Tenant) -> None:
    """The process knows which words a table holds: those of another database, of a tenant with the same number, it
    must not take for those of this one."""
    assert tenant.id >= place.tenant.id
    made = word(place.tenant.id, "Condition", "code", "quite unlike other words")
    for _ in range(2):
        database.run(place.tenant.id, lambda tx: WORDS.keep(tx, [made]))
    place.app.database.run(place.tenant.id, lambda tx: WORDS.keep(tx, [made]))
    with place.app.database.transaction(place.tenant.id) as tx:
        assert tx.execute("delete from resource_word where value = %s", (made[1],)) == 1


_MINE = "patient_id = 'P00000005'"
_COMPARED = {
    "resource": (
        "digest, self, tenant_id, version, deleted, type, id, patient_id, tokens, present, refs,"
        """ regexp_replace(body, '"lastUpdated":"[^"]*"', '') as body""",
        "key = %(key)s",
    ),
    "resource_token": ("token, tenant_id", "key = %(key)s"),
    "resource_date": ("field, low, high, tenant_id, shape", "key = %(key)s"),
    "resource_string": ("field, tenant_id, value", "key = %(key)s"),
    "change_feed": ("tenant_id, version, change, type, id, patient_id", "key = %(key)s"),
    "patient_identifier": ("tenant_id, system, value, patient_id, skeleton, on_resource, prior_id", _MINE),
    "patient_features": ("tenant_id, patient_id, features", _MINE),
    "patient_key": ("tenant_id, key, patient_id", _MINE),
    "patient_trait": ("tenant_id, kind, value, patient_id", _MINE),
}
