"""Reading a FHIR `Patient`: its identifiers and the fields that describe the person."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from careloop.identity.model import Address, Demographics, Identifier
from careloop.identity.rules.identifiers import splits

_TYPES = (
    "http://terminology.hl7.org/CodeSystem/v2-0203",
    "http://hl7.org/fhir/v2/0203",
    "urn:oid:2.16.840.1.113883.18.108",
)
_OLD_NAMES = ("old", "maiden")


def identifiers_of(patient: Mapping[str, Any]) -> list[Identifier]:
    """Every identifier of the resource that has a system and a value, in its order."""
    return [
        Identifier(system=entry["system"], value=entry["value"], type=_type(entry))
        for entry in _dicts(patient.get("identifier"))
        if isinstance(entry.get("system"), str) and isinstance(entry.get("value"), str)
    ]


def demographics_of(patient: Mapping[str, Any]) -> Demographics:
    """What the resource says about the person; the current name, every phone, e-mail and address."""
    name = _current_name(patient)
    contacts = [entry for entry in _dicts(patient.get("telecom")) if isinstance(entry.get("value"), str)]
    birth_order = patient.get("multipleBirthInteger")
    return Demographics(
        family=_text(name.get("family")),
        former=_former(patient, name),
        given=tuple(part for part in name.get("given") or () if isinstance(part, str)),
        suffix=" ".join(part for part in name.get("suffix") or () if isinstance(part, str)),
        birth_date=_text(patient.get("birthDate")),
        sex=_text(patient.get("gender")),
        phones=tuple(entry["value"] for entry in contacts if entry.get("system") in ("phone", "sms")),
        emails=tuple(entry["value"] for entry in contacts if entry.get("system") == "email"),
        addresses=tuple(_address(entry) for entry in _dicts(patient.get("address")) if entry.get("use") != "old"),
        weak=tuple(splits(identifiers_of(patient))[1]),
        is_twin=bool(birth_order) or patient.get("multipleBirthBoolean") is True,
        birth_order=birth_order if isinstance(birth_order, int) else None,
    )


def _type(entry: Mapping[str, Any]) -> str | None:
    kind = entry.get("type")
    for coding in _dicts(kind.get("coding") if isinstance(kind, Mapping) else None):
        if coding.get("system") in _TYPES and isinstance(coding.get("code"), str):
            return str(coding["code"])
    return None


def _current_name(patient: Mapping[str, Any]) -> Mapping[str, Any]:
    names = list(_dicts(patient.get("name")))
    named = [name for name in names if name.get("family") or name.get("given")]
    ranked = sorted(named, key=lambda name: (name.get("use") in _OLD_NAMES, name.get("use") != "official"))
    return ranked[0] if ranked else {}


def _former(patient: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    """Other family names that the resource keeps, each once."""
    names = [_text(name.get("family")) for name in _dicts(patient.get("name")) if name is not current]
    return tuple(sorted({name for name in names if name and name != current.get("family")}))


def _address(entry: Mapping[str, Any]) -> Address:
    lines = [line for line in entry.get("line") or () if isinstance(line, str)]
    return Address(line=" ".join(lines), city=_text(entry.get("city")), postal_code=_text(entry.get("postalCode")))


def _dicts(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        yield from (entry for entry in value if isinstance(entry, Mapping))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
