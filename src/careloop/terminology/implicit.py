"""Value sets that nobody writes down: all of a code system, or a part that its address names (R4 terminologies)."""

from careloop.terminology.library import Library
from careloop.terminology.model import Filter, Include, ValueSet

SNOMED = "http://snomed.info/sct"
LOINC_ALL = "http://loinc.org/vs"


def implicit_value_set(canonical: str, library: Library) -> ValueSet | None:
    """The value set that an address such as `http://loinc.org/vs` or `<code system>?vs` means; None for any other.

    It exists whether or not its code system is loaded: what is in it may then not be said.
    """
    url = canonical.partition("|")[0]
    if url == LOINC_ALL:
        return _whole(url, "http://loinc.org")
    system, mark, query = url.partition("?")
    if not mark:
        return None
    if system.startswith(SNOMED):
        return _snomed(url, system, query)
    if query == "vs" or (query == "fhir_vs" and library.code_systems.find(system) is not None):
        return _whole(url, system)
    return None


def _whole(url: str, system: str, *filters: Filter) -> ValueSet:
    return ValueSet(url=url, status="active", includes=(Include(system=system, filters=filters),))


def _snomed(url: str, edition: str, query: str) -> ValueSet | None:
    """R4 terminologies-snomedct, implicit value sets: all, `isa/<concept>`, `refset/<concept>`."""
    version = edition if edition != SNOMED else None
    name, _, rest = query.partition("=")
    kind, _, concept = rest.partition("/")
    if name != "fhir_vs":
        return None
    filters: tuple[Filter, ...] = ()
    if kind == "isa" and concept.isdecimal():
        filters = (Filter(property="concept", op="is-a", value=concept),)
    elif kind == "refset" and concept.isdecimal():
        filters = (Filter(property="memberOf", op="=", value=concept),)
    elif rest:
        return None
    include = Include(system=SNOMED, version=version, filters=filters)
    return ValueSet(url=url, status="active", includes=(include,))
