"""Training learns from people alone, and a batch finds who was mistyped."""

import os
import random
import subprocess
import sys

import pytest

from careloop.catalog import CONTENT, read_yaml
from careloop.errors import Unavailable
from careloop.identity.batch.splinking import TrainedLevel, likely_pairs, train
from careloop.identity.batch.writing import as_yaml, with_trained
from careloop.identity.likeness import shipped_likeness
from careloop.identity.model import Address, Demographics

LIKENESS = shipped_likeness()
SYLLABLES = ("ba", "re", "li", "mo", "ta", "ne", "ki", "so", "du", "ve", "ga", "win", "ber", "ton")


def made_up(count: int) -> list[tuple[str, Demographics]]:
    """People, every other one a second time with a slip."""
    chance = random.Random(7)
    found = []
    for place in range(count):
        family, given = ("".join(chance.choices(SYLLABLES, k=3)) for _ in range(2))
        born = f"{chance.randrange(1930, 2020)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
        home = Address(
            line=f"{place} {family} Street", city="Springfield", postal_code=f"{chance.randrange(10000, 99999)}"
        )
        one = Demographics(family=family, given=(given,), birth_date=born, sex="female", addresses=(home,))
        found.append((f"a{place}", one))
        if place % 2:
            found.append((f"b{place}", Demographics(family=family[:-1] + "x", given=(given,), birth_date=born,
                                                    sex="female", addresses=(home,))))  # fmt: skip
    return found


def test_a_batch_finds_who_was_mistyped_and_nobody_else():
    pairs = likely_pairs(made_up(200), LIKENESS, float(LIKENESS.review))
    assert pairs == sorted((f"a{place}", f"b{place}") for place in range(1, 200, 2))


def test_training_sees_that_one_persons_records_agree_more_often_than_two_peoples():
    found = {(one.field, one.level): one for one in train(made_up(300), LIKENESS)}
    close, differs = found["family", "close"], found["family", "differs"]
    assert close.m is not None and close.u is not None and differs.m is not None
    assert close.m > 10 * close.u
    assert close.m > differs.m


def test_too_few_people_are_refused():
    with pytest.raises(Unavailable):
        train(made_up(5), LIKENESS)


def test_a_stated_figure_stays_and_the_file_reads_back():
    before = read_yaml((CONTENT / "matching" / "weights.yaml").read_text(encoding="utf-8"))
    learnt = [
        TrainedLevel(field="sex", level="exact", m=0.5, u=0.1),
        TrainedLevel(field="family", level="close", m=0.25, u=0.0000001),
    ]
    after = with_trained(before, learnt, day="2026-11-22", tool="a test", people=9)
    again = read_yaml(as_yaml(after))
    close = next(level for level in again["fields"]["family"] if level["level"] == "close")
    assert (close["m"], close["u"]) == (0.25, 0.00001)
    assert again["fields"]["sex"] == before["fields"]["sex"]
    assert again["trained"]["people"] == 9


def test_what_happens_at_arrival_never_imports_splink():
    asked = "import sys, careloop.flows.arrival; print(sorted({'splink', 'duckdb'} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(CONTENT.parent.parent)}
    told = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
