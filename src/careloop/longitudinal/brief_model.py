"""The brief of a person as values: what was found, the rules that make lines of it, the lines that fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

KINDS: Mapping[str, frozenset[str]] = {
    "matters": frozenset({"name", "since"}),
    "allergy": frozenset({"name", "count"}),
    "risk": frozenset({"name", "why", "level"}),
    "wish": frozenset({"name", "value"}),
    "fact": frozenset(
        {"type", "change", "status", "name", "detail", "value", "before", "trend", "flag", "category", "class",
         "dated", "day", "count", "system"}
    ),
    "loop": frozenset({"change", "how", "pathway", "title", "about", "why", "tier"}),
    "step": frozenset({"state", "pathway", "step", "name", "title", "about", "due", "owner", "tier", "place"}),
    "hold": frozenset({"title", "name", "why", "until"}),
    "visit": frozenset({"state", "name", "when", "place"}),
    "contact": frozenset({"name", "says", "by", "day", "who", "answered"}),
    "contradiction": frozenset({"name", "says", "ask", "severity"}),
    "medicine-finding": frozenset({"name", "says", "tier", "state"}),
    "medicine-difference": frozenset({"name", "count"}),
    "medicine-not-checked": frozenset({"count"}),
    "alert": frozenset({"name", "says", "tier"}),
    "plan": frozenset({"state", "count"}),
    "plan-conflict": frozenset({"name", "says"}),
    "missing": frozenset({"what"}),
    "assessment": frozenset({"name", "says", "state"}),
    "need": frozenset({"name", "state"}),
}  # fmt: skip
"""What can be found, and what is known of each: a rule may ask for these and say them."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that may be worth a line. `words`: what is known of it, of `KINDS`. `href`: the page that shows its
    source, `source` its words; `reference`: the version of the resource. `own`: the reader told it themselves."""

    kind: str
    words: Mapping[str, str]
    href: str
    source: str = ""
    reference: str = ""
    at: datetime | None = None
    private: bool = False
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class Group:
    """From so many lines of a rule on they are said as one."""

    least: int
    says: str
    names: int = 4


@dataclass(frozen=True, kw_only=True)
class BriefRule:
    """Findings of `kind` whose words are among those of `when` make a line of `section`. `fades`: points lost for each
    day since. `also`: the finding may make a line by another rule too."""

    id: str
    section: str
    kind: str
    points: int
    says: str
    because: str
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)
    group: Group | None = None
    fades: int = 0
    also: bool = False
    own: bool = True


@dataclass(frozen=True, kw_only=True)
class BriefSection:
    """A part of the brief: at least so many of its lines come before what is more urgent elsewhere, at most so many
    are shown. `more`: the page of the patient that has the rest."""

    id: str
    title: str
    empty: str
    least: int
    most: int
    more: str


@dataclass(frozen=True, kw_only=True)
class BriefRules:
    """`content/briefs/brief.yaml`. `private_roles`: who is shown what carries a label of privacy."""

    words: int
    line_words: int
    first_days: int
    same_look_minutes: int
    old_days: int
    soon_days: int
    private_roles: frozenset[str]
    sections: tuple[BriefSection, ...]
    rules: tuple[BriefRule, ...]
    first_rules: Mapping[str, tuple[BriefRule, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Link:
    """A way to the source of a line."""

    words: str
    href: str
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class BriefLine:
    """One line with its source; `because` says why it stands here, with `points`."""

    rule: str
    words: str
    links: tuple[Link, ...]
    points: int
    because: str
    at: datetime | None = None

    @property
    def count(self) -> int:
        """How many words a person reads."""
        return len(self.words.split()) + sum(len(one.words.split()) for one in self.links)


@dataclass(frozen=True, kw_only=True)
class BriefPart:
    """One section as it is shown; `left` lines did not fit."""

    section: BriefSection
    lines: tuple[BriefLine, ...]
    left: int


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What is read in two minutes. `hidden`: private findings that this reader is not shown."""

    parts: tuple[BriefPart, ...]
    words: int
    hidden: int
