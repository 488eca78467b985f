"""The safety tables of a catalog, compiled once in a process."""

from careloop.catalog import Catalog
from careloop.medications.drugs import drugs_of
from careloop.medications.rules.compiled import OFF, Safety, compile_safety

__all__ = ["OFF", "Safety", "safety_of"]

_COMPILED: dict[int, tuple[Catalog, Safety]] = {}
_MOST_CATALOGS = 64


def safety_of(catalog: Catalog) -> Safety:
    """What this catalog says. The catalog is kept beside it, so that its number is not given again."""
    known = _COMPILED.get(id(catalog))
    if known is None or known[0] is not catalog:
        if len(_COMPILED) >= _MOST_CATALOGS:
            _COMPILED.clear()
        known = _COMPILED[id(catalog)] = (catalog, compile_safety(catalog.documents("medications"), drugs_of(catalog)))
    return known[1]
