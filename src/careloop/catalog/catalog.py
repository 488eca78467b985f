"""The only reader of `content/`: loads, checks and hands out what clinicians may read and change.

A kind of content is a folder; a kind with a schema in `content/schemas` is loaded and checked at start-up, any other
is left to the part that compiled it. A site's own folder has the same shape and adds or replaces files by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from careloop.catalog.reading import SUFFIXES, read_file
from careloop.catalog.references import reference_faults
from careloop.catalog.schemas import Schemas
from careloop.errors import ContentError, Fault, NotFound

CONTENT = Path(__file__).parent.parent / "content"
"""The content that ships with the product."""

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ContentFile:
    """One content file: its kind, its name (path without suffix), where it stands, and what it says."""

    kind: str
    name: str
    path: Path
    document: Any


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All checked content. `files` is by kind and name."""

    files: Mapping[str, Mapping[str, ContentFile]] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that were loaded."""
        return tuple(sorted(self.files))

    def documents(self, kind: str) -> dict[str, Document]:
        """The documents of one kind by name; empty when there are none."""
        return {name: file.document for name, file in self.files.get(kind, {}).items()}

    def document(self, kind: str, name: str) -> Document:
        """One document. `NotFound` names what was asked for."""
        try:
            found: Document = self.files[kind][name].document
        except KeyError:
            raise NotFound(f"content/{kind}/{name}") from None
        return found

    @property
    def pathways(self) -> dict[str, Document]:
        """The active pathway documents by id."""
        found = self.documents("pathways").values()
        return {pathway["id"]: pathway for pathway in found if pathway["status"] == "active"}

    def calendar(self, name: str) -> Document:
        """The calendar with this name."""
        return self.document("calendars", name)

    def table(self, name: str) -> list[Mapping[str, Any]]:
        """The rows of a table, named `<kind>/<file>`: a CSV file, or the first list of mappings in a YAML file."""
        kind, _, rest = name.partition("/")
        document: Any = self.document(kind, rest)
        if isinstance(document, list):
            return document
        lists = (value for key, value in document.items() if isinstance(value, list) and key != "sources")
        return next(lists, [])

    def mapping(self, kind: str) -> dict[str, Document]:
        """The mapping files below `content/mappings/<kind>/` by name."""
        prefix = f"{kind}/"
        found = self.documents("mappings").items()
        return {name.removeprefix(prefix): document for name, document in found if name.startswith(prefix)}


def load_catalog(site: Path | None = None, *, product: Path = CONTENT) -> Catalog:
    """The product's content with a site's on top, all checked. `ContentError` holds every fault found.

    `site` is a folder of the same shape as `product`; a file there with the same kind and name replaces ours.
    """
    schemas = Schemas(product / "schemas")
    files: dict[str, dict[str, ContentFile]] = {}
    faults: list[Fault] = []
    for root in [product] if site is None else [product, site]:
        found, wrong = _read_folder(root, schemas)
        faults += wrong
        for file in found:
            files.setdefault(file.kind, {})[file.name] = file
    if site is not None:
        faults += _unknown_folders(site, schemas)
    faults += [] if faults else reference_faults(documents_of(files))
    if faults:
        raise ContentError(faults)
    return Catalog(files=files)


def documents_of(files: Mapping[str, Mapping[str, ContentFile]]) -> dict[str, dict[str, Document]]:
    """Documents of the kinds that state an id: knowledge, not compiled tables."""
    return {
        kind: {
            name: file.document
            for name, file in named.items()
            if isinstance(file.document, dict) and "id" in file.document and "version" in file.document
        }
        for kind, named in files.items()
    }


def _read_folder(root: Path, schemas: Schemas) -> tuple[list[ContentFile], list[Fault]]:
    files: list[ContentFile] = []
    faults: list[Fault] = []
    for kind, path in _content_paths(root, sorted(schemas.kinds)):
        shown = path.relative_to(root).as_posix()
        document, fault = read_file(path, shown)
        wrong = [fault] if fault is not None else schemas.faults(kind, document, shown)
        faults += wrong
        if not wrong:
            name = path.relative_to(root / kind).as_posix().removesuffix(path.suffix)
            files.append(ContentFile(kind=kind, name=name, path=path, document=document))
    return files, faults


_READ_ELSEWHERE = frozenset({"searchparameters"})
"""Kinds of a site's content that `fhir` reads itself: it stands below this (decision 0010)."""


def _content_paths(root: Path, kinds: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for kind in kinds:
        for path in sorted((root / kind).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and not path.name.endswith(".cases.yaml"):
                yield kind, path


def _unknown_folders(site: Path, schemas: Schemas) -> list[Fault]:
    if not site.is_dir():
        return [Fault(at=str(site.name), expected="a folder of content", code="not-found")]
    known = {*schemas.kinds, *_READ_ELSEWHERE}
    strange = sorted(path.name for path in site.iterdir() if path.is_dir() and path.name not in known)
    return [Fault(at=f"{name}/", expected=f"one of {', '.join(sorted(known))}") for name in strange]
