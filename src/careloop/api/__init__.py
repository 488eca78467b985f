"""HTTP for programs: FHIR R4, OAuth, and the few things that FHIR has no words for."""
