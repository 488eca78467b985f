"""Words of check-ins in the patient's language: a translation is shown only after a qualified person has read it, else
English with the line about the free interpreter (ui.md §14). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from careloop.monitoring.content import Language, Monitoring

ENGLISH = "en"


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words for one reader. `interpreter`: the line about the free interpreter, in their own language where we
    have it, and which language that line is in."""

    language: str
    texts: Mapping[str, str]
    translated: Mapping[str, str]
    interpreter: str
    interpreter_language: str

    def say(self, english: str) -> str:
        """A text of the content as this reader reads it."""
        return self.translated.get(english, english)

    def __getattr__(self, name: str) -> str:
        """A text by its name in `texts`."""
        try:
            return self.say(self.texts[name])
        except KeyError:
            raise AttributeError(name) from None


def words_for(content: Monitoring, language: str) -> Words:
    """The words for a reader of this language."""
    texts: Mapping[str, Any] = content.check_ins["texts"]
    code = language.split("-")[0].lower() or ENGLISH
    known: Language | None = content.languages.get(code)
    is_theirs = known is not None and bool(known.reviewed)
    return Words(
        language=code if is_theirs else ENGLISH,
        texts=texts,
        translated=known.words if known is not None and is_theirs else {},
        interpreter="" if code == ENGLISH else known.interpreter if known is not None else str(texts["interpreter"]),
        interpreter_language=code if known is not None else ENGLISH,
    )
