"""Which facts of other people's FHIR bundles stand in what we read from the same C-CDA documents."""

from tools.ccda_facts.comparing import Report, compare_folder, dialect_of, resources_from

__all__ = ["Report", "compare_folder", "dialect_of", "resources_from"]
