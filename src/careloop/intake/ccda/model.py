"""Values of reading C-CDA documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.errors import Fault

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A resource that a document tells of, before its id is known. `link` stands for it in references of the others;
    `key` is what makes it the same thing in another document."""

    resource: Json
    link: str
    key: tuple[str, ...]
    shared: bool = False
    """True for people and places, which belong to no single patient."""


@dataclass(frozen=True, kw_only=True)
class CcdaResult:
    """What a document says. `patient` holds the elements of the Patient; references in `made` lead to `PATIENT` or to
    the links of other resources. `faults` name what was wrong and what was therefore left out or taken in part."""

    identifier: str
    set_identifier: str
    version: str
    type_code: str
    title: str
    at: str
    sender: str
    identifiers: Sequence[Mapping[str, str]]
    patient: Json
    made: Sequence[Made]
    faults: Sequence[Fault] = field(default=())


PATIENT = "urn:careloop:ccda:patient"
"""Stands for the patient in references, until identity has said who that is."""
