"""The published truth sets as Patients: read from ../shared, never copied.

    python -m tests.conformance.linkage.packs ../shared people.ndjson

writes those that the shipped weights are trained on (not FEBRL 4, which judges them).
"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

Patient = dict[str, Any]
SSN = "http://hl7.org/fhir/sid/us-ssn"
FOLDER = Path("data/record-linkage")
_DATES = ("%Y-%m-%d", "%m/%d/%Y", "%Y/%m/%d", "%m-%d-%Y")


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file as rows with trimmed names and values."""
    with path.open(encoding="utf-8") as file:
        found = csv.DictReader(file, skipinitialspace=True)
        return [_trimmed(row) for row in found]


def _trimmed(row: dict[str | None, Any]) -> dict[str, str]:
    """The row without what stands beyond the last named column."""
    return {key.strip(): (value or "").strip() for key, value in row.items() if key is not None}


def febrl(shared: Path, name: str, *, with_number: bool = True) -> list[tuple[str, Patient]]:
    """Person (the stem of rec_id) and Patient of each row."""
    found = rows(shared / FOLDER / "febrl" / name)
    return [(row["rec_id"].split("-")[1], _febrl(row, with_number)) for row in found]


def _febrl(row: dict[str, str], with_number: bool) -> Patient:
    born = row["date_of_birth"]
    lines = [f"{row['street_number']} {row['address_1']}".strip(), row["address_2"]]
    return patient(
        row["rec_id"], row["surname"], row["given_name"],
        birthDate=f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 else "",
        address=[address(lines, row["suburb"], row["postcode"])],
        identifier=[number(row["soc_sec_id"])] if with_number and row["soc_sec_id"] else [],
    )  # fmt: skip


def fake_1000(shared: Path) -> list[tuple[str, Patient]]:
    """Person (cluster) and Patient of each row of Splink's made-up thousand."""
    return [
        (row["cluster"], patient(row["unique_id"], row["surname"], row["first_name"], birthDate=row["dob"],
                                 telecom=[{"system": "email", "value": row["email"]}] if row["email"] else [],
                                 address=[address([], row["city"], "")]))
        for row in rows(shared / FOLDER / "splink" / "fake_1000.csv")
    ]  # fmt: skip


def cdc(shared: Path, name: str) -> list[tuple[dict[str, str], Patient]]:
    """The row (with its expected result) and the Patient of each row of a CDC file."""
    return [(row, _cdc(row, place)) for place, row in enumerate(rows(shared / FOLDER / "cdc-recordlinker" / name))]


def _cdc(row: dict[str, str], place: int) -> Patient:
    lines = re.split(r"\\n|,", row["ADDRESS"])
    return patient(
        f"{row['Match Id']}-{place}", row["LAST"], row["FIRST"], suffix=row["SUFFIX"],
        birthDate=birth_date(row["BIRTHDATE"]), gender={"M": "male", "F": "female"}.get(row["GENDER"], ""),
        address=[address(lines, row["CITY"], row["ZIP"])], identifier=[number(row["SSN"])] if row["SSN"] else [],
    )  # fmt: skip


def birth_date(text: str) -> str:
    """The date in any form that the file uses, as FHIR has it; '' where it is none."""
    if re.fullmatch(r"\d{4}(-\d\d)?", text):
        return text
    for form in _DATES:
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    short = re.fullmatch(r"(\d+)/(\d+)/(\d\d)", text)
    if short is None:
        return ""
    month, day, year = (int(part) for part in short.groups())
    return f"{(1900 if year > 25 else 2000) + year}-{month:02d}-{day:02d}"


def patient(one: str, family: str, given: str, suffix: str = "", **more: Any) -> Patient:
    """A Patient with what is known."""
    name = {"family": family, "given": [given] if given else [], "suffix": [suffix] if suffix else []}
    known = {"id": one, "name": [{key: value for key, value in name.items() if value}], **more}
    return {"resourceType": "Patient", **{key: value for key, value in known.items() if value and value != [{}]}}


def address(lines: list[str], city: str, postal_code: str) -> dict[str, Any]:
    """An address with what is known."""
    known = {"line": [line.strip() for line in lines if line.strip()], "city": city, "postalCode": postal_code}
    return {key: value for key, value in known.items() if value}


def number(value: str) -> dict[str, Any]:
    """A social security number."""
    return {"system": SSN, "value": value}


def training(shared: Path) -> Iterator[Patient]:
    """The mixed people that the shipped weights are trained on."""
    yield from (one for _, one in febrl(shared, "dataset1.csv"))
    yield from (one for _, one in fake_1000(shared))
    yield from (one for _, one in cdc(shared, "nbs_seed.csv"))
    yield from (one for _, one in cdc(shared, "better_test.csv"))


if __name__ == "__main__":
    with Path(sys.argv[2]).open("w", encoding="utf-8") as out:
        for place, one in enumerate(training(Path(sys.argv[1]))):
            out.write(json.dumps({**one, "id": f"p{place}"}) + "\n")
