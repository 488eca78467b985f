"""Which items fit a person, in which words, and whether they are understood. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from careloop.engagement.education.model import Answer, Item, Standing, Words
from careloop.fhir.codes import falls_under

ENGLISH = "en"


def fitting(items: Mapping[str, Item], codes: Sequence[str], plans: Iterable[str]) -> list[Item]:
    """Items for these problems (`system|code`, ICD-10-CM by its beginning: RK-01) and care plans, by title."""
    chosen = set(plans)
    found = [
        one
        for one in items.values()
        if chosen.intersection(one.plans) or any(falls_under(code, wanted) for code in codes for wanted in one.fits)
    ]
    return sorted(found, key=lambda one: one.title)


def words_in(item: Item, language: str) -> tuple[Words, bool]:
    """The words for a reader of this language, and whether they are in it: those of another language count only where
    they were reviewed, else English is given (ui.md §14)."""
    wanted = language.split("-")[0] or ENGLISH
    for words in item.words:
        if words.language.split("-")[0] == wanted and (wanted == ENGLISH or words.reviewed):
            return words, True
    return next(words for words in item.words if words.language == ENGLISH), wanted == ENGLISH


def standing_of(
    item: Item, sent: Sequence[datetime], opened: Sequence[datetime], answers: Sequence[Answer]
) -> Standing:
    """How the item stands. The newest answer counts; two at one instant count as wrong where one is."""
    choices = {choice.id: choice for words in item.words for choice in words.choices}
    mine = [one for one in answers if one.item == item.id and one.choice in choices]
    mine.sort(key=lambda one: (one.at, not choices[one.choice].right, one.choice), reverse=True)
    return Standing(
        item=item,
        sent=max(sent, default=None),
        opened=max(opened, default=None),
        answered=mine[0].at if mine else None,
        understood=bool(mine) and choices[mine[0].choice].right,
        wrong=tuple(dict.fromkeys(choices[one.choice] for one in mine if not choices[one.choice].right)),
    )
