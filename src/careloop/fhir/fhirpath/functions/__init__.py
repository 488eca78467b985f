"""Every function of the language by name. A new one goes into the family that it belongs to."""

from collections.abc import Mapping

from careloop.fhir.fhirpath.functions.control import CONTROL
from careloop.fhir.fhirpath.functions.conversion import CONVERSION
from careloop.fhir.fhirpath.functions.existence import EXISTENCE
from careloop.fhir.fhirpath.functions.fhir import FHIR
from careloop.fhir.fhirpath.functions.maths import MATHS
from careloop.fhir.fhirpath.functions.narrative import NARRATIVE
from careloop.fhir.fhirpath.functions.registry import Function
from careloop.fhir.fhirpath.functions.strings import STRINGS

FUNCTIONS: Mapping[str, Function] = {
    name: function
    for family in (EXISTENCE, CONTROL, CONVERSION, STRINGS, MATHS, FHIR, NARRATIVE)
    for name, function in family.table.items()
}
