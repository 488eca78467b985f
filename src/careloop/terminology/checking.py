"""Is a code valid: in a code system, in a value set, with the words that came along? Yes, no, or cannot be said."""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.fhir.tokens import normal
from careloop.terminology import grammars
from careloop.terminology.model import CodeSystem, Concept, Missing, Validation


@dataclass(frozen=True, kw_only=True, slots=True)
class Coding:
    """A code as somebody sent it."""

    code: str
    system: str | None = None
    version: str | None = None
    display: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How strictly: are headings allowed (None: nothing was said), in which language are words."""

    abstract: bool | None = None
    language: str | None = None


def check_in_system(system: CodeSystem | None, url: str, coding: Coding, manner: Manner) -> Validation:
    """Whether the code is one of the code system. `system` None: it is not loaded, a grammar may still know."""
    if system is None:
        return _in_grammar(url, coding)
    concept = system.find(coding.code)
    if concept is None and system.is_complete:
        return Validation(result=False, message=f"The code is not one of {url}")
    if concept is None:
        missing = Missing(kind="CodeSystem", url=url, reason="is known only in part")
        return Validation(result=None, missing=(missing,))
    return check_words(concept, coding, manner)


def _in_grammar(url: str, coding: Coding) -> Validation:
    formed = grammars.is_code(url, coding.code)
    if formed is None:
        return Validation(result=None, missing=(Missing(kind="CodeSystem", url=url, reason="is not loaded here"),))
    return Validation(result=formed, message=None if formed else f"The code is not well-formed in {url}")


def check_words(concept: Concept, coding: Coding, manner: Manner) -> Validation:
    """A code that is there: may it be chosen, and are its words right?"""
    display = concept.display_in(manner.language)
    if concept.is_abstract and manner.abstract is False:
        return Validation(result=False, message="The code is a heading and cannot be chosen", display=display)
    if not is_display_of(concept, coding.display):
        message = "The display is not one that the code system gives for this code"
        return Validation(result=False, message=message, display=display)
    remark = "The code is no longer in use" if concept.is_inactive else None
    return Validation(result=True, message=remark, display=display)


def is_display_of(concept: Concept, display: str | None) -> bool:
    """True where the words are those of the concept in some language, whatever their case; none are never wrong."""
    if display is None or concept.display is None:
        return True
    known = [concept.display, *(one.value for one in concept.designations)]
    return normal(display) in map(normal, known)


def best_of(validations: Sequence[Validation]) -> Validation:
    """The answer for a CodeableConcept: one valid coding is enough; none, and one unknown, cannot be said."""
    for result in (True, None):
        for one in validations:
            if one.result is result:
                return one
    return validations[0] if validations else Validation(result=False, message="There is no code to look at")
