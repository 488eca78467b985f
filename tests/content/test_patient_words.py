"""What patients read is plain wherever it stands: grade 6 or lower over each group of texts, no long text above it.

Check-ins, education, assessments and the packet are measured beside their own rules (`test_monitoring`, `test_rules` of
education, `test_assessment_cases`, `test_packet_words`); here is everything else that is content or a page of patients.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from careloop.catalog import load_catalog
from careloop.engagement.reading import LIMIT, reading_of
from careloop.web import partners, staff

CATALOG = load_catalog()
PAGES = Path(partners.__file__).parent / "templates"
LETTER = Path(staff.__file__).parent / "templates" / "no_contact_letter.html"
_BLOCK = re.compile(r"</(?:p|h\d|li|label|button|legend|dt|dd|td|th|summary|title|a)>")


def under(value: Any, names: frozenset[str]) -> Iterator[str]:
    """Every text below a key of these names."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name in names and isinstance(one, str):
                yield one
            yield from under(one, names)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from under(one, names)


def of_pathways() -> list[str]:
    return [text for one in CATALOG.documents("pathways").values() for text in under(one, frozenset({"patient_says"}))]


def of_plans() -> list[str]:
    names = frozenset({"patient_title", "patient_says", "patient"})
    return [text for one in CATALOG.documents("careplans").values() for text in under(one, names)]


def of_medicines() -> list[str]:
    words = CATALOG.document("medications", "plain")
    sample = {"name": "this pill", "how": "40 mg, once a day, in the morning", "until": "May 4"}
    sentences = [text.format(**sample) for text in words["sentences"].values()]
    return [*sentences, *words["purposes"].values(), *words["classes"].values(), *words["heads"].values()]


def of_needs() -> list[str]:
    names = frozenset({"title", "task"})
    return [text for one in CATALOG.documents("needs").values() for text in under(one["needs"], names)]


def of_pages() -> list[str]:
    found = []
    for page in [*sorted(PAGES.glob("*.html")), LETTER]:
        text = re.sub(r"\{%.*?%\}|\{#.*?#\}", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = re.sub(r"\{\{.*?\}\}", "it", text, flags=re.DOTALL)
        text = re.sub(r"<(script|style).*?</\1>", " ", text, flags=re.DOTALL)
        text = re.sub(r"<[^>]+>", " ", _BLOCK.sub(". ", text))
        found.append(re.sub(r"\s+", " ", re.sub(r"(?:\s*\.\s*){2,}|(?<=[?!:])\s*\.", ". ", text)))
    return found


GROUPS = {
    "pathways": of_pathways(), "care plans": of_plans(), "medicines": of_medicines(), "needs": of_needs(),
    "pages": of_pages(),
}  # fmt: skip


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_group_of_texts_for_patients_is_plain(group: str) -> None:
    texts = GROUPS[group]
    assert texts, group
    whole = reading_of(" ".join(text if text[-1] in ".?!" else f"{text}." for text in texts if text))
    assert whole is not None and whole.gated
    assert whole.flesch_kincaid <= LIMIT
    assert whole.smog <= LIMIT + 1
    assert [text for text in texts if (found := reading_of(text)) and found.is_hard] == []
