"""Files of pages are read: what is on them, whatever the machine did to them, and honest refusals."""

import io

import pytest
from PIL import Image
from tests.pages import faxed, jpeg, pdf, sheet, sheet_pdf, tiff

from careloop.engagement.paper.model import JPEG, PDF, TIFF, Page
from careloop.engagement.paper.reading import cut, look, type_of
from careloop.engagement.paper.turning import turned
from careloop.errors import Rejected

CODE = "L-1987 K7QX"


def test_a_clean_page_gives_its_code_and_its_image() -> None:
    [page] = look(tiff([sheet(CODE).convert("1")]))
    assert (page.codes, page.turn) == ((CODE,), 0)
    with Image.open(io.BytesIO(page.image)) as image:
        assert image.format == "PNG" and image.width <= 1100


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_page_that_lies_wrong_is_read_and_set_upright(turn: int) -> None:
    [page] = look(tiff([faxed(sheet(CODE), turn=turn, skew=2)]))
    assert page.codes == (CODE,)
    assert (page.turn + turn) % 360 == 0


@pytest.mark.parametrize(("skew", "specks"), [(-4, 0.02), (5, 0.05), (0, 0.1)])
def test_a_skewed_and_specked_fax_is_read(skew: float, specks: float) -> None:
    [page] = look(tiff([faxed(sheet(CODE), skew=skew, specks=specks)]))
    assert page.codes == (CODE,)


def test_a_coarse_fax_has_half_the_lines_and_is_read() -> None:
    page = faxed(sheet(CODE))
    coarse = page.resize((page.width, page.height // 2))
    kept = io.BytesIO()
    coarse.save(kept, "TIFF", compression="group4", dpi=(204, 98))
    assert look(kept.getvalue())[0].codes == (CODE,)


def test_a_scan_and_a_photograph_are_read() -> None:
    assert look(pdf([sheet(CODE), sheet()]))[0].codes == (CODE,)
    assert look(jpeg(faxed(sheet(CODE), skew=3)))[0].codes == (CODE,)


def test_a_page_without_a_code_has_none() -> None:
    assert look(tiff([faxed(sheet(), specks=0.05)]))[0].codes == ()


def test_the_kind_of_a_file_is_told_by_its_bytes() -> None:
    assert type_of(sheet_pdf([])) == PDF
    assert type_of(tiff([sheet().convert("1")])) == TIFF
    assert type_of(jpeg(sheet())) == JPEG


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"MZ\x90\0", "a PDF, a TIFF or a JPEG"),
        (b"<html>", "a PDF, a TIFF or a JPEG"),
        (b"", "a PDF, a TIFF or a JPEG"),
        (b"%PDF-1.7\nnothing", "this one is broken"),
        (b"II*\0" + b"\xff" * 400, "this one is broken"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, "this one is broken"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(content: bytes, expected: str) -> None:
    with pytest.raises(Rejected, match=expected):
        look(content)


def test_a_picture_that_would_fill_the_memory_is_refused() -> None:
    kept = io.BytesIO()
    Image.new("1", (9_000, 9_000), 1).save(kept, "TIFF", compression="group4")
    with pytest.raises(Rejected, match="file"):
        look(kept.getvalue())


def test_pages_that_are_cut_out_are_those_pages_alone() -> None:
    whole = pdf([sheet(CODE), sheet("L-2000 AAAA"), sheet()])
    [page] = look(cut(whole, [Page(page=1, turn=90)]))
    assert page.codes == ("L-2000 AAAA",) and page.turn == 270
    from_tiff = look(cut(tiff([sheet(CODE).convert("1"), sheet().convert("1")]), [Page(page=0)]))
    assert [one.codes for one in from_tiff] == [(CODE,)]


def test_an_image_is_turned_clockwise() -> None:
    picture = Image.new("L", (2, 1), 255)
    picture.putpixel((0, 0), 0)
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    with Image.open(io.BytesIO(turned(kept.getvalue(), 90))) as image:
        assert image.size == (1, 2) and image.getpixel((0, 0)) == 0
