"""Made-up people and messages for benchmarks: as many as wanted, the same ones every time."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from careloop.flows.bulk_documents import Document

_SYLLABLES = [first + vowel for first in "bdfghklmnprstvz" for vowel in "aeiou"]
_NAMES = 75**4
_GIVEN = ("Ada", "Bo", "Cleo", "Dag", "Elis", "Femi", "Gita", "Hugo", "Ines", "Jon", "Kaya", "Lou", "Mia")
AUTHORITY = "BENCH"


def number_of(index: int) -> str:
    """The record number of the person with this index."""
    return f"B{index:08d}"


def family(index: int) -> str:
    """Four syllables, spread so that neighbours in number are not alike: few people look like somebody else."""
    left, name = index * 20_000_003 % _NAMES, ""
    for _ in range(4):
        left, place = divmod(left, len(_SYLLABLES))
        name += _SYLLABLES[place]
    return name.title()


def birth_date(index: int) -> str:
    """A day between 1930 and 1999."""
    return f"{1930 + index % 70}-{1 + index % 12:02d}-{1 + index % 28:02d}"


def patients(count: int) -> Iterator[Document]:
    """Patients as single resources."""
    for index in range(count):
        yield _document(patient(index))


def patient(index: int) -> dict[str, Any]:
    """One made-up Patient."""
    return {
        "resourceType": "Patient",
        "id": f"bench-{index}",
        "identifier": [{"system": f"urn:careloop:authority:{AUTHORITY}", "value": number_of(index)}],
        "name": [{"family": family(index), "given": [_GIVEN[index % len(_GIVEN)]]}],
        "birthDate": birth_date(index),
        "gender": ("female", "male")[index % 2],
    }


def discharges(count: int, owners: list[str], now: datetime) -> Iterator[Document]:
    """A stay that ended in the last three days and a care team for each of the first `count` patients."""
    for index in range(count):
        left = now - timedelta(hours=1 + index % 70)
        yield _document(_encounter(index, left))
        yield _document(_care_team(index, owners[index % len(owners)]))


def _encounter(index: int, left: datetime) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": f"bench-stay-{index}",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/bench-{index}"},
        "period": {"start": (left - timedelta(days=3)).isoformat(), "end": left.isoformat()},
        "hospitalization": {
            "dischargeDisposition": {"coding": [{"system": "https://www.nubc.org/patient-discharge", "code": "01"}]}
        },
    }


def _care_team(index: int, owner: str) -> dict[str, Any]:
    return {
        "resourceType": "CareTeam",
        "id": f"bench-team-{index}",
        "status": "active",
        "subject": {"reference": f"Patient/bench-{index}"},
        "participant": [
            {
                "role": [{"coding": [{"system": "urn:careloop:role", "code": "coordinator"}]}],
                "member": {"reference": owner},
            }
        ],
    }


def _document(resource: dict[str, Any]) -> Document:
    return Document(label=str(resource["id"]), text=json.dumps(resource).encode())


def messages(count: int, now: datetime, *, first: int = 0) -> Iterator[bytes]:
    """ADT messages: each person is admitted (A01), then goes home (A03)."""
    for number in range(count):
        index = first + number // 2
        event = ("A01", "A03")[number % 2]
        yield adt(index, event, f"M{first}-{number}", now - timedelta(hours=30 - 24 * (number % 2)))


def adt(index: int, event: str, control_id: str, at: datetime, visit: str = "") -> bytes:
    """One message about a stay of this person that began a day before it ended; `visit` is its number."""
    stamp, admitted = f"{at:%Y%m%d%H%M%S}+0000", f"{at - timedelta(hours=24 * (event == 'A03')):%Y%m%d%H%M%S}+0000"
    went = event == "A03"
    filled = {0: "PV1", 1: "1", 2: "I", 3: "4W^401^1", 19: f"V{visit or index}^^^{AUTHORITY}", 44: admitted}
    filled |= {36: "01", 45: stamp} if went else {}
    pv1 = [filled.get(place, "") for place in range(46)]
    segments = [
        f"MSH|^~\\&|BENCH|HOSPITAL|CARELOOP|PRACTICE|{stamp}||ADT^{event}|{control_id}|P|2.5.1",
        f"EVN|{event}|{stamp}",
        f"PID|1||{number_of(index)}^^^{AUTHORITY}^MR||{family(index)}^{_GIVEN[index % len(_GIVEN)]}||"
        f"{birth_date(index).replace('-', '')}|{'FM'[index % 2]}",
        "|".join(pv1),
    ]
    return "\r".join(segments).encode()
