"""The grammar of the capture box, from `content/capture`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from careloop.engagement.capture.model import Code, Limits, Measure, Part, Taken, Unit, Word


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """Words and measures by every name that they have, and the words for who and when."""

    words: Mapping[str, Word]
    measures: Mapping[str, Measure]
    roles: Mapping[str, str]
    days: Mapping[str, int]
    weekdays: Mapping[str, int]
    months: Mapping[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that may stand after a slash."""
        return (*self.words, *self.measures)

    @property
    def examples(self) -> tuple[tuple[str, str], ...]:
        """A title and an example of each, in the order of the content."""
        return tuple((one.title, one.example) for one in self.all)

    @property
    def all(self) -> tuple[Word | Measure, ...]:
        """Each word and measure once, in the order of the content."""
        every: list[Word | Measure] = [*self.words.values(), *self.measures.values()]
        return tuple({one.word: one for one in every}.values())


def grammar_of(document: Mapping[str, Any]) -> Grammar:
    """The grammar that a content document states."""
    return Grammar(
        words=_by_name(document["words"], _word),
        measures=_by_name(document["measures"], _measure),
        roles={said: role for role, words in document["roles"].items() for said in words},
        days=document["days"],
        weekdays=_numbered(document["weekdays"]),
        months=_numbered(document["months"]),
    )


def _by_name(lines: Sequence[Mapping[str, Any]], read: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in lines:
        one = read(line)
        found |= dict.fromkeys((one.word, *line.get("also", ())), one)
    return found


def _numbered(lines: Sequence[Sequence[str]]) -> dict[str, int]:
    return {said: number for number, words in enumerate(lines, start=1) for said in words}


def _word(line: Mapping[str, Any]) -> Word:
    return Word(
        word=line["word"],
        title=line["title"],
        writes=line["writes"],
        opens=line.get("opens", ""),
        example=line["example"],
        takes=tuple(_taken(one) for one in line["takes"]),
    )


def _taken(line: Mapping[str, Any]) -> Taken:
    return Taken(
        name=line["name"],
        kind=line["is"],
        needed=line.get("needed", False),
        bare=line.get("bare", False),
        expected=line["expected"],
        choices={code: tuple(words) for code, words in line.get("choices", {}).items()},
    )


def _measure(line: Mapping[str, Any]) -> Measure:
    change = line.get("change", {})
    return Measure(
        word=line["word"],
        title=line["title"],
        code=Code(**line["code"]),
        same=tuple(line.get("same", ())),
        parts=tuple(
            Part(title=one["title"], code=Code(**one["code"]), limits=_limits(one["limits"]))
            for one in line.get("parts", ())
        ),
        units=tuple(_unit(one) for one in line["units"]),
        default=line.get("default", ""),
        canonical=line["canonical"],
        fresh_hours=line["fresh_hours"],
        limits=_limits(line["limits"]) if "limits" in line else None,
        most_change=Decimal(str(change["most"])) if change else None,
        change_rule=change.get("rule", ""),
        example=line["example"],
    )


def _unit(line: Mapping[str, Any]) -> Unit:
    times = Decimal(str(line["times"])) if "times" in line else None
    return Unit(words=tuple(line["words"]), unit=line["unit"], code=line["code"], times=times)


def _limits(line: Mapping[str, Any]) -> Limits:
    return Limits(low=Decimal(str(line["low"])), high=Decimal(str(line["high"])), rule=line["rule"])
