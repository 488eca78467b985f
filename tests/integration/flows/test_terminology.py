"""A tenant's own terminology in the process: made once, changed as the record changes, read only where it changed."""

import pytest

from careloop.access.model import system_principal
from careloop.flows import writing
from careloop.flows.terminology import terminology_of
from careloop.record import Write


def reds(identity: str, *codes: str) -> dict:
    include = {"system": "urn:colours", "concept": [{"code": one} for one in codes]}
    return {"resourceType": "ValueSet", "id": identity, "url": f"urn:{identity}", "status": "active",
            "compose": {"include": [include]}}  # fmt: skip


@pytest.fixture
def practice(app, tenant):
    """Writes and asks in transactions of their own."""

    class Practice:
        def write(self, *resources: dict, method: str = "update") -> None:
            writes = [
                Write(method=method, resource_type=one["resourceType"], id=one["id"],
                      resource=one if method == "update" else None)
                for one in resources
            ]  # fmt: skip
            principal = system_principal(tenant.id, "test")
            app.database.run(tenant.id, lambda tx: writing.write(app, tx, principal, writes))

        def terminology(self):
            with app.database.transaction(tenant.id) as tx:
                return terminology_of(app, tx)

    return Practice()


def test_without_any_of_its_own_a_tenant_has_the_products(app, practice):
    assert practice.terminology() is app.terminology


def test_nothing_is_made_anew_until_something_changes(app, practice, tenant):
    practice.write(reds("a", "red"), reds("b", "blue"))
    first = practice.terminology()
    assert practice.terminology() is first
    assert first.members("urn:a") == {("urn:colours", "red")}
    practice.write(reds("a", "red", "crimson"))
    second = practice.terminology()
    assert second is not first
    assert second.members("urn:a") == {("urn:colours", "red"), ("urn:colours", "crimson")}
    assert second.members("urn:b") == first.members("urn:b")
    practice.write(reds("b", "blue"), method="delete")
    assert practice.terminology().members("urn:b") is None
    practice.write(reds("b", "navy"))
    assert practice.terminology().members("urn:b") == {("urn:colours", "navy")}


def test_only_what_changed_is_read(app, practice, monkeypatch):
    practice.write(*(reds(f"v{number}", "red") for number in range(20)))
    practice.terminology()
    fetched: list[str] = []
    fetch = type(app.record).fetch

    def watched(record, tx, references):
        fetched.extend(references)
        return fetch(record, tx, references)

    monkeypatch.setattr(type(app.record), "fetch", watched)
    practice.write(reds("v7", "blue"))
    assert practice.terminology().members("urn:v7") == {("urn:colours", "blue")}
    assert fetched == ["ValueSet/v7"]


def test_the_same_content_again_is_no_change(practice):
    practice.write(reds("a", "red"))
    first = practice.terminology()
    practice.write(reds("a", "red"))
    assert practice.terminology() is first
