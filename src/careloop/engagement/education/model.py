"""Values of education: items, their words, and what was answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """An answer to the teach-back question. A wrong one says what the person `thinks` and what to `say`."""

    id: str
    text: str
    right: bool
    thinks: str = ""
    say: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """An item in one language. `reviewed` names who checked a translation and when; English needs nobody."""

    language: str
    title: str
    body: tuple[str, ...]
    ask: str
    choices: tuple[Choice, ...]
    reviewed: str = ""

    def choice(self, choice_id: str) -> Choice | None:
        """The choice with this id."""
        return next((one for one in self.choices if one.id == choice_id), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One thing that a person should understand. `fits` are codes of problems, `plans` ids of care plans."""

    id: str
    version: str
    title: str
    fits: tuple[str, ...]
    plans: tuple[str, ...]
    minutes: int
    words: tuple[Words, ...]
    is_reviewed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What somebody chose, when."""

    item: str
    choice: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How an item stands with a person: when it was sent, opened and answered last; `wrong` are the choices that were
    wrong, the newest first, also where the last answer is right."""

    item: Item
    sent: datetime | None = None
    opened: datetime | None = None
    answered: datetime | None = None
    understood: bool = False
    wrong: Sequence[Choice] = ()

    @property
    def last_wrong(self) -> Choice | None:
        """What is misunderstood now; None where nothing was answered or the last answer was right."""
        return self.wrong[0] if self.wrong and not self.understood else None
