"""A practice's own rules over the content that ships: the same files, some in the practice's own version. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any

from careloop.catalog.catalog import CONTENT, Catalog, ContentFile, documents_of
from careloop.catalog.references import reference_faults
from careloop.catalog.schemas import Schemas
from careloop.errors import Fault

KINDS = ("pathways", "worklist")
"""Kinds of content that a practice may have in a version of its own."""
OWN_FROM = 1000
"""The last number of a practice's own version is this and its count: no version that ships is numbered so high."""
MOST = 64
"""Practices whose content is kept in a process; the one that was not asked for the longest goes first."""
_HERE = Path("rules")

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class OwnRule:
    """One version of a rule that was published once. `holds`: it is the one that holds now."""

    kind: str
    name: str
    document: Document
    holds: bool


def overlaid(catalog: Catalog, rules: Iterable[OwnRule]) -> Catalog:
    """The catalog with a practice's own versions. The one that holds takes the place of what ships, which stays as a
    retired version for the loops that opened under it, as do versions of the practice that held before."""
    files = {kind: dict(named) for kind, named in catalog.files.items()}
    for rule in rules:
        version = str(rule.document["version"])
        if rule.holds:
            _retire(files[rule.kind], rule)
            files[rule.kind][rule.name] = _file(rule, rule.name, "active")
        elif rule.kind == "pathways":
            old = f"{rule.name}@{version}"
            files[rule.kind][old] = _file(rule, old, "retired")
    return Catalog(files=files)


def _retire(named: dict[str, ContentFile], rule: OwnRule) -> None:
    """What ships gives way and stays to be found by its version. There is one order of work, so it only gives way."""
    shipped = named.get(rule.name)
    if shipped is not None and rule.kind == "pathways":
        old = f"{rule.name}@{shipped.document['version']}"
        document = {**shipped.document, "status": "retired"}
        named[old] = ContentFile(kind=rule.kind, name=old, path=shipped.path, document=document)


def _file(rule: OwnRule, name: str, status: str) -> ContentFile:
    document = {**rule.document, "status": status}
    return ContentFile(kind=rule.kind, name=name, path=_HERE / rule.kind / f"{name}.yaml", document=document)


def digest_of(document: Document) -> str:
    """Two documents that say the same have the same digest, whatever the order of their keys. Version and status are no
    part of what a rule says."""
    says = {key: value for key, value in document.items() if key not in ("version", "status")}
    return blake2b(json.dumps(says, sort_keys=True).encode(), digest_size=16).hexdigest()


def own_version(base: str, number: int) -> str:
    """The version of a practice's own rule, the `number`-th made from what ships as `base`: `1.0.1003`."""
    major, minor, _ = base.split(".")
    return f"{major}.{minor}.{OWN_FROM + number}"


def document_faults(catalog: Catalog, kind: str, name: str, document: Any) -> list[Fault]:
    """Everything that is wrong with a document of this kind and name: the same checks that content files pass."""
    faults = _schemas().faults(kind, document, name)
    if faults:
        return faults
    file = ContentFile(kind=kind, name=name, path=_HERE / f"{name}.yaml", document=document)
    return reference_faults(documents_of({**catalog.files, kind: {**catalog.files.get(kind, {}), name: file}}))


@lru_cache(maxsize=1)
def _schemas() -> Schemas:
    return Schemas(CONTENT / "schemas")


class RuleOverlays:
    """The newest content of each practice that has rules of its own. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Catalog]] = {}
        self._lock = Lock()

    def get(self, tenant_id: int, revision: int, make: Callable[[], Catalog]) -> Catalog:
        """The practice's content, made anew where the revision is another than last time."""
        with self._lock:
            known = self._known.get(tenant_id)
        if known is not None and known[0] == revision:
            return known[1]
        made = make()
        with self._lock:
            self._known.pop(tenant_id, None)
            self._known[tenant_id] = (revision, made)
            while len(self._known) > MOST:
                self._known.pop(next(iter(self._known)))
        return made
