"""What a sender fills and leaves: fields of messages as counts, by type and event. No content of a field is kept but
the codes of coded fields, and of these only what looks like a code. Pure.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from careloop.intake.checks import envelope_of
from careloop.intake.hl7v2 import Message, Segment

_CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_./+-]{0,11}$")
UNLIKE_A_CODE = "(not a code)"
_TIME = re.compile(r"^\d{12,14}(\.\d+)?([+-]\d{4})?$")
_OFFSET = re.compile(r"[+-]\d{4}$")
_MOST_CODES = 50


@dataclass(kw_only=True)
class Tally:
    """One place in the messages of one kind. `total` are the chances to fill it: each segment of its name, or one where
    a message has none. `codes` are counted where the place holds codes."""

    total: int = 0
    filled: int = 0
    with_time: int = 0
    with_offset: int = 0
    codes: Counter[str] = field(default_factory=Counter)


@dataclass(kw_only=True)
class KindCounts:
    """The messages of one type and event. `fields` counts the messages in which each field holds anything; `places` are
    the places that rules ask for: several that stand for one another under their names joined by `/`."""

    messages: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)
    places: dict[str, Tally] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a rule looks: addresses of which one is enough, in messages of some kinds."""

    addresses: tuple[str, ...]
    kinds: tuple[str, ...]
    coded: bool = False

    @property
    def key(self) -> str:
        """Its name in the counts."""
        return "/".join(self.addresses)

    def is_asked_of(self, kind: str) -> bool:
        """True where messages of this kind should have it; `ADT^*` are all of a type, `*` are all."""
        return any(kind == one or (one.endswith("*") and kind.startswith(one[:-1])) for one in self.kinds)


def kind_of(message: Message) -> str:
    """`ADT^A03`."""
    envelope = envelope_of(message)
    return f"{envelope.message_type}^{envelope.event}" if envelope.event else envelope.message_type


def sender_of(message: Message) -> str:
    """`application|facility`."""
    return envelope_of(message).sender


def add(counts: dict[str, KindCounts], message: Message, places: Iterable[Place]) -> None:
    """The message is in the counts of its kind."""
    kind = kind_of(message)
    mine = counts.setdefault(kind, KindCounts())
    mine.messages += 1
    by_name: dict[str, list[Segment]] = {}
    for segment in message.segments:
        by_name.setdefault(segment.name, []).append(segment)
    for name, segments in by_name.items():
        mine.segments[name] += 1
        mine.fields.update({
            f"{name}-{number}" for segment in segments for number, text in enumerate(segment.fields) if number and text
        })  # fmt: skip
    seen: set[str] = set()
    for place in places:
        if place.key not in seen and place.is_asked_of(kind):
            seen.add(place.key)
            _tally(mine.places.setdefault(place.key, Tally()), place, by_name)


def _tally(tally: Tally, place: Place, by_name: Mapping[str, list[Segment]]) -> None:
    if len(place.addresses) > 1:
        texts = [next((text for one in place.addresses for text in _texts(one, by_name) if text), "")]
    else:
        texts = _texts(place.addresses[0], by_name) or [""]
    for text in texts:
        tally.total += 1
        if text:
            tally.filled += 1
            tally.with_time += bool(_TIME.match(text))
            tally.with_offset += bool(_OFFSET.search(text))
            if place.coded and (text in tally.codes or len(tally.codes) < _MOST_CODES):
                tally.codes[text if _CODE.match(text) else UNLIKE_A_CODE] += 1


def _texts(address: str, by_name: Mapping[str, list[Segment]]) -> list[str]:
    name, _, rest = address.partition("-")
    number, _, component = rest.partition(".")
    found = [segment.text(int(number), int(component or 1)) for segment in by_name.get(name, ())]
    if not component:
        found = [
            text or segment.raw(int(number)).strip("^&~ ")
            for text, segment in zip(found, by_name.get(name, ()), strict=True)
        ]
    return ["" if text == '""' else text for text in found]
