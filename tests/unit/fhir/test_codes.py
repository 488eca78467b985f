"""Codes that fall under others."""

import pytest

from careloop.fhir.codes import ICD10, falls_under


@pytest.mark.parametrize(
    ("code", "wanted", "is_so"),
    [
        (f"{ICD10}F31.81", f"{ICD10}F31", True),
        (f"{ICD10}f3181", f"{ICD10}F31.8", True),
        (f"{ICD10}F31", f"{ICD10}F31.8", False),
        (f"{ICD10}F33.1", f"{ICD10}F31", False),
        ("http://snomed.info/sct|13746004", f"{ICD10}F31", False),
        ("http://snomed.info/sct|13746004", "http://snomed.info/sct|13746004", True),
        ("http://snomed.info/sct|137460041", "http://snomed.info/sct|13746004", False),
    ],
)
def test_only_icd_10_cm_codes_match_by_their_beginning(code, wanted, is_so):
    assert falls_under(code, wanted) is is_so
