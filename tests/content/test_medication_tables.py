"""The tables of `content/medications` hold every row of the domain tables, and nothing of a row was lost on the way."""

import csv
from pathlib import Path

import pytest

from careloop.catalog import load_catalog, read_yaml


@pytest.fixture(scope="module")
def tables():
    """The documents that ship."""
    return load_catalog().documents("medications")


def rows(shared: Path, name: str) -> list[dict[str, str]]:
    """A domain table as its rows."""
    with (shared / "domain" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("name", "table", "columns"),
    [
        ("ddi.csv", "interactions", {"id": "id", "list": "list", "a": "a", "b": "b", "severity": "severity",
                                     "effect": "effect", "action": "action", "exceptions_or_conditions": "note",
                                     "mark": "mark"}),
        ("duplicate-therapy.csv", "duplicates", {"id": "id", "class": "class",
                                                 "allowed_reason": "allowed_reason", "severity": "severity"}),
        ("beers-2023.csv", "beers", {"id": "id", "item": "item", "applies": "applies", "condition": "condition",
                                     "advice": "advice", "mark": "mark"}),
        ("renal-flags.csv", "renal", {"drug_or_class": "item", "metric": "metric", "threshold": "threshold",
                                      "advice": "advice", "mark": "mark"}),
        ("pregnancy-flags.csv", "pregnancy", {"drug_or_class": "item", "flag": "flag", "mark": "mark"}),
        ("high-alert.csv", "high-alert", {"group": "group", "members": "members", "reason": "reason",
                                         "extra_check": "extra_check"}),
    ],
)  # fmt: skip
def test_every_row_of_the_domain_table_stands_unchanged(shared: Path, tables, name, table, columns):
    ours = [{mine: str(row[mine]) for mine in columns.values()} for row in tables[table]["rows"]]
    wanted = [{mine: row[theirs] for theirs, mine in columns.items()} for row in rows(shared, name)]
    assert [one for one in wanted if one not in ours] == []


def test_every_ingredient_stands_in_its_class_with_its_code_and_mark(shared: Path, tables):
    domain = read_yaml((shared / "domain" / "drug-classes.yaml").read_text(encoding="utf-8"))["classes"]
    ours = {**tables["classes"]["classes"], "_other_ingredients": tables["names"]["ingredients"]}
    lost = [(name, row) for name, members in domain.items() for row in members if row not in ours.get(name, [])]
    assert lost == []


def test_every_row_has_its_own_id_a_mark_a_source_and_is_not_signed(tables):
    found = [row for name in tables if "rows" in tables[name] for row in tables[name]["rows"] if "mark" in row]
    ids = [row["id"] for row in found]
    assert len(ids) == len(set(ids)) > 150
    assert all(row["source"] and row["reviewed"] is None for row in found)


def test_every_side_names_a_class_or_an_ingredient_that_is_known(tables):
    from careloop.medications.drugs import compile_drugs
    from careloop.medications.rules.compiled import compile_safety

    safety = compile_safety(tables, compile_drugs(tables))
    every = [
        *safety.interactions,
        *safety.washouts,
        *safety.beers,
        *safety.renal,
        *safety.pregnancy,
        *safety.high_alert,
    ]
    empty = [(row.id, name) for row in every for name, mask in row.sides.items() if not mask]
    assert empty == []
