"""Facts of one person, who told them, when two of them are one matter, and where two sources do not agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Resource = Mapping[str, Any]


class SourceKind(StrEnum):
    """How a fact came to us."""

    FEED = "feed"
    DOCUMENT = "document"
    SYSTEM = "system"
    PATIENT = "patient"
    STAFF = "staff"
    CLINICIAN = "clinician"
    CARELOOP = "careloop"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who told a fact. `at`: when they said so, as FHIR text, empty where nobody noted it. `version`: the version of
    the fact that they told, None where that is not known. `document_id`: a document of ours that can be opened."""

    kind: SourceKind
    name: str
    at: str = ""
    detail: str = ""
    version: int | None = None
    document_id: str = ""

    @property
    def key(self) -> str:
        """The same for everything that one sender, person or document told."""
        return f"{self.kind.value}:{self.name}"


NOT_STATED = Source(kind=SourceKind.UNKNOWN, name="Source not stated")
"""Nobody noted where a fact comes from; it is said, not guessed."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One resource as it stands (or stood, in `version`), with its sources, the newest first, never empty."""

    type: str
    id: str
    version: int
    recorded: datetime
    resource: Resource
    sources: tuple[Source, ...] = (NOT_STATED,)

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What several facts say about one thing: `shown` is the newest of them, `also` the others, newest first. No fact
    is changed by this: it is a way to look at them. `keys` are what they have in common with others."""

    shown: Fact
    also: tuple[Fact, ...] = ()
    keys: frozenset[str] = frozenset()

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All of them."""
        return (self.shown, *self.also)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source of every fact, each once, those of the shown fact first."""
        found: dict[str, Source] = {}
        for fact in self.facts:
            for source in fact.sources:
                found.setdefault(source.key, source)
        return tuple(found.values())


class Knows(StrEnum):
    """What is known about whether somebody knows a fact."""

    WAITS = "waits"
    READ = "read"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Knowing:
    """Somebody and a fact: `words` is the sentence to show, `due` when they have to by, where a Task says."""

    state: Knows
    words: str
    due: datetime | None = None
    task_id: str = ""


class Severity(StrEnum):
    """How much harm a contradiction may do."""

    HIGH = "high"
    MIDDLE = "middle"
    LOW = "low"


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one fact says in a contradiction: its words, its sources, its date."""

    reference: str
    version: int
    words: str
    source: str
    dated: str = ""
    document_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """Facts that cannot both be right. `matter` tells one from another of the same rule; `fingerprint` changes
    whenever one of the facts does."""

    rule: str
    matter: str
    left: tuple[Side, ...]
    right: tuple[Side, ...]
    fingerprint: str
    says: str = field(default="")
