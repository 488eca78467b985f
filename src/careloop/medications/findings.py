"""What a check of a list of medicines says: findings with every reason, and what could not be checked."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import blake2b


class Tier(StrEnum):
    """ME-09. `CONTRAINDICATED`: a prescriber must resolve it; `MAJOR`: acknowledged with a reason; `MODERATE`: shown,
    never in the way."""

    CONTRAINDICATED = "contraindicated"
    MAJOR = "major"
    MODERATE = "moderate"

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return list(Tier).index(self)


class Kind(StrEnum):
    """Which table speaks (discrepancy types of ME-04)."""

    INTERACTION = "interaction"
    DUPLICATE = "duplicate"
    ALLERGY = "allergy"
    AGE = "age"
    CONDITION = "condition_contraindication"
    RENAL = "renal"
    PREGNANCY = "pregnancy"
    HIGH_ALERT = "high-alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One row that fires: what may happen, what to do, where that is written. `notes` say what was not known, or why
    the tier differs from the row's. `facts`: the values that govern it, as text that changes with them."""

    rule: str
    kind: Kind
    tier: Tier
    effect: str
    action: str
    source: str
    reviewed: bool
    notes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    review_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One matter: the same ingredients, all rows that speak of them, the highest tier (ME-09). `key`: the same as long
    as the same ingredients are meant; `fingerprint` changes with a drug, a dose or a governing value."""

    key: str
    tier: Tier
    implicated: tuple[str, ...]
    medicines: tuple[str, ...]
    reasons: tuple[Reason, ...]
    fingerprint: str

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of the rows that fire, the most urgent first."""
        return tuple(dict.fromkeys(one.rule for one in self.reasons))

    @property
    def says(self) -> str:
        """The finding in one sentence for each reason."""
        return " ".join(sentence(one, self.medicines) for one in self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotChecked:
    """A medicine, allergy or dose that no table could be asked about, and why (ME-12)."""

    reference: str
    text: str
    why: str
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The answer to one list of medicines."""

    findings: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    checked: int = 0

    @property
    def says(self) -> str:
        """How much of the list was checked (ME-12)."""
        count = len(self.not_checked)
        return f"{count} item{'' if count == 1 else 's'} not checked" if count else "all items checked"


NOT_REVIEWED = "Not reviewed by a pharmacist yet."


def sentence(reason: Reason, medicines: tuple[str, ...]) -> str:
    """What a person reads: which medicines, what may happen, what to do, what was not known, where it is from."""
    names = " + ".join(medicines)
    notes = f" ({'; '.join(reason.notes)})" if reason.notes else ""
    action = f" {_sentence(reason.action)}" if reason.action else ""
    review = "" if reason.reviewed else f" {NOT_REVIEWED}"
    return f"{names}: {reason.effect}{notes}.{action} Source: {reason.rule}, {reason.source}.{review}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def digest(*parts: str) -> str:
    """A short text that is the same for the same parts."""
    return blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()
