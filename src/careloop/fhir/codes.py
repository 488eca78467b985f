"""Codes written `system|code`."""

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm|"


def falls_under(code: str, wanted: str) -> bool:
    """True where `code` is the wanted one. ICD-10-CM codes match by their beginning, without the dot (RK-01)."""
    if not wanted.startswith(ICD10):
        return code == wanted
    return code.startswith(ICD10) and _plain(code).startswith(_plain(wanted))


def _plain(code: str) -> str:
    return code.removeprefix(ICD10).replace(".", "").upper()
