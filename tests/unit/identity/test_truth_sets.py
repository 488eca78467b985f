"""Likeness against published truth: no wrong question, and most of the right ones."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from careloop.identity.model import Address, Demographics, Identifier
from careloop.identity.rules import REVIEW_POINTS, blocking_keys, compare


def febrl(row: dict[str, str], *, with_number: bool) -> Demographics:
    """A row of FEBRL as a description."""
    born = row["date_of_birth"].strip()
    number = row["soc_sec_id"].strip()
    line = f"{row['street_number'].strip()} {row['address_1'].strip()}".strip()
    return Demographics(
        family=row["surname"].strip(),
        given=tuple(part for part in [row["given_name"].strip()] if part),
        birth_date=f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 else "",
        addresses=(Address(line=line, city=row["suburb"].strip(), postal_code=row["postcode"].strip()),),
        weak=(Identifier(system="ssn", value=number),) if with_number and number else (),
    )


@pytest.mark.shared
@pytest.mark.parametrize(("with_number", "least_recall"), [(False, 0.75), (True, 0.90)])
def test_febrl_dataset_1(shared: Path, with_number: bool, least_recall: float):
    with (shared / "data/record-linkage/febrl/dataset1.csv").open() as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    people = [(row["rec_id"].split("-")[1], febrl(row, with_number=with_number)) for row in rows]
    blocks: dict[int, list[int]] = defaultdict(list)
    for place, (_, one) in enumerate(people):
        for key in blocking_keys(one):
            blocks[key].append(place)
    pairs = {(one, two) for block in blocks.values() for one in block for two in block if one < two}
    asked = [(one, two) for one, two in pairs if compare(people[one][1], people[two][1]).points >= REVIEW_POINTS]
    right = sum(people[one][0] == people[two][0] for one, two in asked)
    assert right == len(asked)
    assert right / 500 >= least_recall
