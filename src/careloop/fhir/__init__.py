"""FHIR R4 as a language: JSON with exact decimals, ids, partial dates, references, search grammar, validation."""
