"""Whether clinical tables were signed by somebody of the site (verify-list row 1): screens say so until they are."""

from careloop.catalog import Catalog

SAFETY_TABLES = ("interactions", "duplicates", "allergies", "beers", "renal", "pregnancy", "high-alert")
"""What `content/medications` says of danger."""


def all_reviewed(catalog: Catalog, kind: str, names: tuple[str, ...]) -> bool:
    """True where each of these documents was reviewed."""
    return all(catalog.document(kind, name)["reviewed"] is not None for name in names)
