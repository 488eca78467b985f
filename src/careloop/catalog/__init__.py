"""Content: loaded, checked, handed out. The only reader of `content/`."""

from careloop.catalog.catalog import CONTENT, Catalog, ContentFile, load_catalog
from careloop.catalog.reading import read_yaml

__all__ = ["CONTENT", "Catalog", "ContentFile", "load_catalog", "read_yaml"]
