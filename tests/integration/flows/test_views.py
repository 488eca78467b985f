"""Views of the record on real PostgreSQL: rows in sets, files, tables under row-level security."""

import json
from pathlib import Path

import duckdb
import psycopg
import pytest

from careloop import reports
from careloop.access.model import Principal, PrincipalKind, system_principal
from careloop.errors import NotFound, NotPermitted, Rejected
from careloop.flows import view_files, views
from careloop.flows.writing import write
from careloop.record import Write
from careloop.record.scanning import Scope, scan

PEOPLE = {
    "resourceType": "ViewDefinition", "name": "people", "status": "active", "resource": "Patient",
    "select": [
        {"column": [
            {"name": "id", "path": "getResourceKey()", "type": "id"},
            {"name": "born", "path": "birthDate", "type": "date"},
            {"name": "active", "path": "active", "type": "boolean"},
            {"name": "births", "path": "multipleBirth.ofType(integer)", "type": "integer"},
            {"name": "given", "path": "name.given", "type": "string", "collection": True},
            {"name": "address", "path": "address.first()", "type": "Address"},
        ]},
        {"forEachOrNull": "name", "column": [{"name": "family", "path": "family", "type": "string"}]},
    ],
}  # fmt: skip


def patient(number: int) -> dict:
    return {
        "resourceType": "Patient", "id": f"p{number}", "birthDate": f"19{number:02d}-05", "active": number % 2 == 0,
        "multipleBirthInteger": number,
        "name": [{"family": "=Cmd", "given": ["Ada", "B."]}, {"family": "O'Neil"}] if number == 10 else [],
        "address": [{"city": "Zürich"}] if number == 10 else [],
    }  # fmt: skip


def tidy(resource: dict) -> dict:
    return {name: value for name, value in resource.items() if value != []}


@pytest.fixture
def principal(tenant):
    return system_principal(tenant.id, "test")


@pytest.fixture
def people(app, tenant, principal):
    writes = [
        Write(method="update", resource_type="Patient", id=f"p{n}", resource=tidy(patient(n))) for n in range(10, 35)
    ]
    with app.database.transaction(tenant.id) as tx:
        write(app, tx, principal, writes)
        write(app, tx, principal, [Write(method="delete", resource_type="Patient", id="p34", resource=None)])


def collected(tx, principal, definition, **more):
    return [row for rows in views.run(tx, principal, views.view_of(definition), **more) for row in rows]


def test_a_scan_gives_every_standing_resource_once_whatever_the_set(app, tenant, people) -> None:
    with app.database.transaction(tenant.id) as tx:
        scope = Scope(resource_type="Patient")
        whole = [one for resources in scan(tx, scope) for one in resources]
        small = list(scan(tx, scope, set_size=7))
    assert len(whole) == 24 and [json.loads(text)["id"] for text, _ in whole] == [who for _, who in whole]
    assert [len(some) for some in small] == [7, 7, 7, 3]
    assert [one for some in small for one in some] == whole


def test_a_scan_can_be_of_one_patient_or_since_an_instant(app, tenant, people, clock) -> None:
    with app.database.transaction(tenant.id) as tx:
        of_one = Scope(resource_type="Patient", patient_id="p12")
        assert [[who for _, who in some] for some in scan(tx, of_one)] == [["p12"]]
        assert list(scan(tx, Scope(resource_type="Patient", since=clock.now().replace(year=2030)))) == []


def test_rows_come_from_the_record_and_are_audited_with_every_patient(app, tenant, people, principal) -> None:
    with app.database.transaction(tenant.id) as tx:
        rows = collected(tx, principal, PEOPLE)
    assert len(rows) == 25
    assert rows[0][:4] == ("p10", "1910-05", True, 10) and rows[0][6] == "=Cmd" and rows[1][6] == "O'Neil"
    assert rows[2] == ("p11", "1911-05", False, 11, [], None, None)
    with app.database.transaction(tenant.id) as tx:
        (audited,) = tx.rows("select detail, resource_type, patient_ids from audit_event where subtype = 'export'")
    assert (audited["detail"], audited["resource_type"]) == ("25 rows of the view people", "Patient")
    assert sorted(audited["patient_ids"]) == [f"p{number}" for number in range(10, 34)]


def test_a_limit_ends_the_run(app, tenant, people, principal) -> None:
    with app.database.transaction(tenant.id) as tx:
        assert len(collected(tx, principal, PEOPLE, limit=5)) == 5


def test_whoever_may_not_search_the_type_gets_no_rows(app, tenant, people) -> None:
    stranger = Principal(tenant_id=tenant.id, kind=PrincipalKind.CLIENT, id="x", name="x", scopes=("system/Group.rs",))
    with app.database.transaction(tenant.id) as tx, pytest.raises(NotPermitted):
        collected(tx, stranger, PEOPLE)


def test_another_tenant_has_no_rows(app, tenant, other_tenant, people) -> None:
    principal = system_principal(other_tenant.id, "test")
    with app.database.transaction(other_tenant.id) as tx:
        assert collected(tx, principal, PEOPLE) == []


def test_a_parquet_file_has_the_rows_with_their_types(app, tenant, people, principal, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    view = views.view_of(PEOPLE)
    with app.database.transaction(tenant.id) as tx:
        view_files.write_file(view, views.run(tx, principal, view), "parquet", path)
    with duckdb.connect(":memory:") as connection:
        rows = connection.read_parquet(str(path))
        assert [str(kind) for kind in rows.types] == [
            "VARCHAR", "VARCHAR", "BOOLEAN", "INTEGER", "VARCHAR[]", "VARCHAR", "VARCHAR",
        ]  # fmt: skip
        assert rows.order("id").fetchall()[0][:5] == ("p10", "1910-05", True, 10, ["Ada", "B."])
        assert len(rows.fetchall()) == 25
    assert [one.name for one in tmp_path.iterdir()] == ["people.parquet"]


def test_text_in_csv_is_never_a_formula(app, tenant, people, principal) -> None:
    view = views.view_of(PEOPLE)
    with app.database.transaction(tenant.id) as tx:
        text = b"".join(view_files.chunks(view, views.run(tx, principal, view), "csv")).decode()
    lines = text.splitlines()
    assert lines[0] == "id,born,active,births,given,address,family"
    assert lines[1] == """p10,1910-05,true,10,"[""Ada"",""B.""]","{""city"":""Zürich""}",'=Cmd"""
    assert len(lines) == 26


def test_a_published_view_is_a_table_that_sql_can_read(app, tenant, people, principal) -> None:
    done = views.publish(app, principal, PEOPLE)
    assert (done.table, done.rows) == (f"views_{tenant.id}.people", 25)
    with app.database.transaction(tenant.id) as tx:
        rows = tx.rows(f"select * from {done.table} where births < 12 order by births, family")
    assert (
        rows[0]["family"] == "=Cmd" and rows[0]["address"] == {"city": "Zürich"} and rows[0]["given"] == ["Ada", "B."]
    )
    assert rows[2] == {
        "id": "p11", "born": "1911-05", "active": False, "births": 11, "given": [], "address": None, "family": None,
    }  # fmt: skip


def test_publishing_again_replaces_rows_and_columns(app, tenant, people, principal) -> None:
    shorter = {**PEOPLE, "select": [{"column": [{"name": "who", "path": "id", "type": "id"}]}]}
    views.publish(app, principal, PEOPLE)
    done = views.publish(app, principal, shorter)
    with app.database.transaction(tenant.id) as tx:
        rows = tx.rows(f"select * from {done.table}")
        assert tx.value("select count(*) from published_view_row") == 24
    assert [set(row) for row in rows] == [{"who"}] * 24


def test_another_tenant_reads_nothing_from_a_published_view(app, tenant, other_tenant, people, principal) -> None:
    done = views.publish(app, principal, PEOPLE)
    with app.database.transaction(other_tenant.id) as tx:
        assert tx.rows(f"select * from {done.table}") == []
    with app.database.directory() as tx:
        assert tx.rows(f"select * from {done.table}") == []


def test_a_request_can_make_no_view(app, tenant) -> None:
    with app.database.transaction(tenant.id) as tx, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reports.make_sql_view(tx, "mine", [("id", "text")])


def test_only_the_own_patients_are_published(app, tenant, other_tenant, people, principal) -> None:
    stranger = system_principal(other_tenant.id, "test")
    with app.database.transaction(other_tenant.id) as tx:
        body = {"resourceType": "Patient", "id": "theirs"}
        write(app, tx, stranger, [Write(method="update", resource_type="Patient", id="theirs", resource=body)])
    assert views.publish(app, stranger, PEOPLE).rows == 1
    assert views.publish(app, principal, PEOPLE).rows == 25


@pytest.mark.parametrize("name", ["a; drop table tenant", 'a"b', "", "x" * 64])
def test_no_view_is_made_of_names_that_are_none(app, tenant, principal, name: str) -> None:
    with pytest.raises(Rejected):
        views.publish(app, principal, {**PEOPLE, "name": name or "a b"})


def test_every_shipped_view_compiles_and_an_unknown_one_is_not_found(app) -> None:
    assert views.check_shipped(app.catalog) == [
        "conditions", "encounters", "loops", "medications", "observations", "patient_demographics",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        views.shipped(app.catalog, "no_such")
