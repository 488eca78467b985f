"""Content: loaded, checked, handed out. The only reader of `content/`."""

from careloop.catalog.catalog import CONTENT, Catalog, ContentFile, load_catalog
from careloop.catalog.overlay import OwnRule, RuleOverlays, digest_of, document_faults, overlaid, own_version
from careloop.catalog.reading import read_file, read_yaml

__all__ = [
    "CONTENT",
    "Catalog",
    "ContentFile",
    "OwnRule",
    "RuleOverlays",
    "digest_of",
    "document_faults",
    "load_catalog",
    "overlaid",
    "own_version",
    "read_file",
    "read_yaml",
]
