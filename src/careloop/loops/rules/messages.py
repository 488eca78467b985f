"""What a patient's message says about how urgent it is: pure, over words that content lists."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SPACES = re.compile(r"\s+")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})


def plain(text: str) -> str:
    """The text as it is compared: lower case, without accents, one space where there were many."""
    spread = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES).casefold())
    return _SPACES.sub(" ", "".join(letter for letter in spread if not unicodedata.combining(letter))).strip()


def pattern_of(words: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    """One pattern for all words of all languages: a patient may write in any. Words of letters that are written with
    spaces between them count as whole words."""
    found = sorted({plain(word) for mine in words.values() for word in mine}, key=lambda word: (-len(word), word))
    return re.compile("|".join(_whole(word) for word in found))


def _whole(word: str) -> str:
    safe = re.escape(word).replace(r"\ ", r"\s+")
    return rf"(?<!\w){safe}(?!\w)" if word.isascii() else safe


def warning_in(texts: Iterable[str], pattern: re.Pattern[str]) -> str | None:
    """The first warning word in these texts; None where there is none."""
    for text in texts:
        found = pattern.search(plain(text))
        if found:
            return found.group()
    return None


def texts_of(message: Mapping[str, Any]) -> list[str]:
    """What a Communication says in words."""
    said = [part.get("contentString") for part in message.get("payload", ())]
    said += [note.get("text") for note in message.get("note", ())]
    said.append((message.get("topic") or {}).get("text"))
    return [text for text in said if isinstance(text, str)]
