"""Sheets as PDF: every word is there, on every page stands whose it is, and nothing that was typed is run."""

from datetime import UTC, datetime

import pypdfium2

from careloop.engagement.paper.pdf import Bullets, Heading, Line, Sheet, Table, Text, Trend, pdf_of

_AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
_TAGGED_FOR_READERS = b"pdfuaid:part"


def pages(raw: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(raw)
    return [page.get_textpage().get_text_bounded().replace("\r\n", " ") for page in document]


def test_all_blocks_are_on_tagged_pages_with_head_foot_and_number() -> None:
    rows = [[f"Step {number}", "each day"] for number in range(60)]
    sheet = Sheet(
        title="My plan",
        header=["Rosa Ñandú", "born 3 Feb 1950"],
        footer=["If this sheet is not yours, give it back."],
        blocks=[
            Heading("What matters"),
            Text("“Walk to church”", bold=True),
            Bullets(["Weigh", "Call"]),
            Line(),
            Trend([(0, 0.2), (1, 0.8)], "Weight from 80 to 82 kg"),
            Table(["What", "How often"], rows, [3, 1]),
        ],
    )
    raw = pdf_of(sheet, _AT)
    told = pages(raw)
    assert _TAGGED_FOR_READERS in raw
    assert len(told) > 1
    for number, text in enumerate(told, start=1):
        assert "Rosa Ñandú" in text
        assert f"Page {number} of {len(told)}." in text
        assert "What How often" in text
    whole = " ".join(told)
    assert all(f"Step {number} " in whole for number in range(60))
    assert all(word in whole for word in ("“Walk to church”", "Weigh", "Call", "Weight from 80 to 82 kg"))
    assert raw == pdf_of(sheet, _AT)


def test_typed_words_are_words_and_not_layout() -> None:
    typed = '#sys.inputs.sheet *bold* $x$ #import "@preview/x:1.0.0": y'
    assert typed in pages(pdf_of(Sheet(title="T", blocks=[Text(typed)])))[0].replace("“", '"').replace("”", '"')


def test_a_letter_that_cannot_be_printed_is_not_lost_silently() -> None:
    raw = pdf_of(Sheet(title="T", blocks=[Text("before \U000f1234 after")]))
    told = pages(raw)[0]
    assert "Boxes stand for them" in told
    assert "before" in told and "after" in told
    assert _TAGGED_FOR_READERS not in raw
