"""How hard a text is to read, for English: Flesch-Kincaid and SMOG grades (programme.md §3). Pure.

The formulas are the domain's; syllables are where `pyphen` (en_US) would break a word. Names of medicines may be left
out. Texts under 30 words are not measured for gating, and other languages never: the formulas hold for English alone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import pyphen

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_END = re.compile(r"[.!?]+(?:\s|$)")
SHORT = 30
"""A text with fewer words says too little for a gate (programme.md §3)."""
LIMIT = 6
"""The highest grade that a template may have; above it free text is warned of (AHRQ toolkit, [K])."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Grades of a text. `gated`: it is long enough that its grade may stop it."""

    words: int
    sentences: int
    syllables: int
    long_words: int

    @property
    def flesch_kincaid(self) -> float:
        """0.39 words a sentence + 11.8 syllables a word - 15.59."""
        return 0.39 * self.words / self.sentences + 11.8 * self.syllables / self.words - 15.59

    @property
    def smog(self) -> float:
        """1.0430 times the root of 30 words of three and more syllables a sentence, + 3.1291."""
        return 1.0430 * sqrt(self.long_words * 30 / self.sentences) + 3.1291

    @property
    def gated(self) -> bool:
        """True when the text is long enough that its grade may stop it."""
        return self.words >= SHORT

    @property
    def grade(self) -> int:
        """The Flesch-Kincaid grade as people say it; 0 for anything below the first grade."""
        return max(round(self.flesch_kincaid), 0)

    @property
    def is_hard(self) -> bool:
        """True above sixth grade, as far as the text can be measured."""
        return self.gated and self.flesch_kincaid > LIMIT


def reading_of(text: str, without: Iterable[str] = ()) -> Reading | None:
    """The grades of an English text without the words in `without`; None for a text without words."""
    left_out = {word.casefold() for word in without}
    words = [word for word in _WORD.findall(text) if word.casefold() not in left_out]
    if not words:
        return None
    each = [syllables(word) for word in words]
    return Reading(
        words=len(words),
        sentences=max(len(_END.findall(text.strip())), 1),
        syllables=sum(each),
        long_words=sum(count >= 3 for count in each),
    )


def syllables(word: str) -> int:
    """Syllables of one English word: at least one."""
    return len(_hyphens().positions(word)) + 1


@lru_cache(maxsize=1)
def _hyphens() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")
