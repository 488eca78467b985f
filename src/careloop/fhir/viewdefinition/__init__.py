"""SQL on FHIR v2: a ViewDefinition is checked and compiled once, and then makes rows of resources. Pure."""

from careloop.fhir.viewdefinition.compiling import compile_view
from careloop.fhir.viewdefinition.model import Column, View

__all__ = ["Column", "View", "compile_view"]
