"""HL7 v2 against other converters' bundles."""
