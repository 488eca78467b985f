"""Each level is said twice, in Python for arrival and in SQL for training: both say the same of the same people."""

from itertools import combinations

import pytest

from careloop.identity.batch.model import SQL_LEVELS, settings_of
from careloop.identity.batch.rows import COLUMNS, rows_of
from careloop.identity.likeness import shipped_likeness
from careloop.identity.model import Address, Demographics, Identifier

duckdb = pytest.importorskip("duckdb")
LIKENESS = shipped_likeness()
HOME = Address(line="12 Elm Street", city="Springfield", postal_code="01101")


def person(**changes: object) -> Demographics:
    known: dict[str, object] = {
        "family": "Rivera", "given": ("Ana", "Maria"), "birth_date": "1951-04-15", "sex": "female",
        "phones": ("413 555 0101",), "emails": ("ana.rivera@example.org",), "addresses": (HOME,),
        "weak": (Identifier(system="ssn", value="219-45-6780"),),
    }  # fmt: skip
    return Demographics(**{**known, **changes})


PEOPLE = [
    person(),
    person(family="Riviera", given=("Anna", "M"), birth_date="1951-04-16", phones=("413 555 0102",)),
    person(family="Rivera Lopez", given=("A",), birth_date="1951-05-15", emails=("ana.rivera@example.com",)),
    person(family="Okafor", former=("Rivera",), given=("Robert",), birth_date="1951-04", sex="male"),
    person(family="Ana", given=("Rivera",), birth_date="1951-04-25", addresses=()),
    person(given=("Bob",), birth_date="1915-04-15", suffix="Jr", weak=(Identifier(system="ssn", value="6780"),)),
    person(given=(), birth_date="", phones=(), emails=(), weak=(),
           addresses=(Address(line="12 Elm", city="Springfeild"),)),
    person(given=("Anastasia",), birth_date="1981-04-15", weak=(Identifier(system="ssn", value="219-45-6781"),),
           addresses=(Address(line="14 Elm Street", city="Boston", postal_code="01102"),)),
    person(family="Smith", given=("Zoe", "Ann"), birth_date="1990-12-01", emails=("zoe@example.org",),
           weak=(Identifier(system="ssn", value="518-11-1234"),),
           addresses=(Address(line="7 Oak Road", city="Reno", postal_code="89501"),)),
    person(birth_date="1951-15-04",
           addresses=(Address(line="Elm Street 12", city="Springfield", postal_code="01101"),)),
]  # fmt: skip


def in_sql(field: str) -> str:
    """The level of two rows, said by the same conditions that Splink gets."""
    columns, levels = SQL_LEVELS[field]
    unknown = " or ".join(f"{column}_{side} is null" for column in columns for side in "lr")
    cases = " ".join(f"when {sql} then '{level}'" for level, sql in levels)
    return f"case when {unknown} then '' {cases} else 'differs' end"


def test_python_and_sql_say_the_same_level_of_every_pair():
    connection = duckdb.connect(":memory:")
    rows = list(rows_of(((str(place), one) for place, one in enumerate(PEOPLE)), LIKENESS))
    both = ", ".join(f"{name}_{side} {kind}" for side in "lr" for name, kind in COLUMNS.items())
    connection.execute(f"create table pair ({both})")
    pairs = list(combinations(range(len(PEOPLE)), 2))
    marks = ", ".join("?" for _ in range(2 * len(COLUMNS)))
    for one, two in pairs:
        connection.execute(f"insert into pair values ({marks})", [*rows[one], *rows[two]])
    wrong = []
    for field in SQL_LEVELS:
        said = connection.execute(f"select unique_id_l, unique_id_r, {in_sql(field)} from pair").fetchall()
        for one, two, level in said:
            compared = LIKENESS.compare(PEOPLE[int(one)], PEOPLE[int(two)])
            python = next((line.level for line in compared.fields if line.field == field), "")
            if python != level and not python_knows_more(field, python, level):
                wrong.append((field, one, two, python, level))
    assert wrong == []


def python_knows_more(field: str, python: str, level: str) -> bool:
    """What only arrival looks at: swapped words, a second given name, a city where no postal code is known."""
    return (python == "swapped" and level != "exact") or (field in ("place", "street") and level == "")


def test_the_model_has_the_weights_of_arrival():
    comparisons = {one["output_column_name"]: one for one in settings_of(LIKENESS.weights)["comparisons"]}
    first = comparisons["birth_date"]["comparison_levels"][1]
    assert first["m_probability"] == LIKENESS.weights.levels["birth date"]["exact"].m
    assert set(SQL_LEVELS) == set(LIKENESS.weights.levels) - {"birth order"}
