"""Reads a file of pages in a process of its own, with limits on memory and time: `python -m ...child <what>`.

What a stranger sends is decoded here and nowhere else; a file that breaks a decoder breaks this process only. The file
comes on standard input. `look` answers a line of JSON and the page images after it, `cut` a PDF of the pages asked for.
Exit status 3: the file is not what it must be; the reason is one word on standard error.
"""

import io
import json
import math
import resource
import sys
from collections.abc import Iterator
from typing import Any

import pypdfium2
import zxingcpp
from PIL import Image, ImageFilter, ImageOps, ImageSequence, UnidentifiedImageError

from careloop.engagement.paper.model import JPEG, MOST_PAGES, PDF, TIFF

_MEMORY, _SECONDS = 1_500_000_000, 40
_SQUARES = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_DOTS = 200
"""Dots an inch at which pages are looked at: the finer mode of a fax."""
_MOST_DOTS = 40_000_000
_WIDE = 1100
_HARD = 4
"""On so many pages codes are looked for hard: sheets come first, and most pages have none."""
_REFUSED = 3


class Refused(Exception):
    """The file cannot be used; the argument is one word."""


def main(argv: list[str]) -> int:
    """Does what `argv` says with the file on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    Image.MAX_IMAGE_PIXELS = _MOST_DOTS
    content, out = sys.stdin.buffer.read(), sys.stdout.buffer
    try:
        if argv[0] == "look":
            _look(content, argv[1], out)
        else:
            _cut(content, argv[1], json.loads(argv[2]), out)
    except Refused as error:
        sys.stderr.write(str(error))
        return _REFUSED
    except (pypdfium2.PdfiumError, UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError,
            SyntaxError, MemoryError):  # fmt: skip
        sys.stderr.write("unreadable")
        return _REFUSED
    return 0


def _look(content: bytes, kind: str, out: Any) -> None:
    facts, images = [], []
    for place, (picture, text) in enumerate(_pages(content, kind)):
        codes, turn = _codes(picture, hard=place < _HARD)
        images.append(_png(picture))
        facts.append({"size": len(images[-1]), "codes": codes, "turn": turn, "text": text})
    if not facts:
        raise Refused("empty")
    out.write(json.dumps(facts).encode() + b"\n")
    for image in images:
        out.write(image)


def _pages(content: bytes, kind: str) -> Iterator[tuple[Image.Image, str]]:
    """Each page in grey, with its text layer."""
    match kind:
        case str(known) if known == PDF:
            yield from _pdf_pages(content)
        case str(known) if known in (TIFF, JPEG):
            yield from _picture_pages(content)
        case _:
            raise Refused("kind")


def _pdf_pages(content: bytes) -> Iterator[tuple[Image.Image, str]]:
    document = _pdf(content)
    for page in document:
        wide, high = page.get_size()
        scale = min(_DOTS / 72, math.sqrt(_MOST_DOTS / 4 / max(wide * high, 1)))
        picture = page.render(scale=scale, grayscale=True).to_pil().convert("L")
        yield picture, page.get_textpage().get_text_bounded()[:20_000]
        page.close()


def _pdf(content: bytes) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise Refused("locked" if "assword" in str(error) else "unreadable") from error
    if len(document) > MOST_PAGES:
        raise Refused("pages")
    return document


def _picture_pages(content: bytes) -> Iterator[tuple[Image.Image, str]]:
    with Image.open(io.BytesIO(content), formats=("TIFF", "JPEG")) as file:
        if getattr(file, "n_frames", 1) > MOST_PAGES:
            raise Refused("pages")
        for frame in ImageSequence.Iterator(file):
            if frame.width * frame.height > _MOST_DOTS:
                raise Refused("size")
            yield _even(frame), ""


def _even(frame: Image.Image) -> Image.Image:
    """A frame in grey, upright as it says of itself, with the same dots across and down: faxes have half the lines."""
    picture = ImageOps.exif_transpose(frame).convert("L")
    across, down = (float(one) for one in frame.info.get("dpi", (1, 1)))
    if across > 0 and down > 0 and not 0.8 < across / down < 1.25:
        picture = picture.resize((picture.width, max(1, round(picture.height * across / down))))
    return picture


def _codes(picture: Image.Image, *, hard: bool) -> tuple[list[str], int]:
    """The texts of the QR codes on a page, and how far the page must be turned clockwise to stand upright."""
    for tried in _tries(picture, hard=hard):
        found = [one for one in zxingcpp.read_barcodes(tried, formats=_SQUARES) if one.text]
        if found:
            texts = list(dict.fromkeys(one.text for one in found))
            return texts, -round(found[0].orientation / 90) * 90 % 360
    return [], 0


def _tries(picture: Image.Image, *, hard: bool) -> Iterator[Image.Image]:
    """The page as it is, half as large, then with its specks taken away."""
    yield picture
    half = picture.reduce(2)
    yield half
    if hard:
        yield half.filter(ImageFilter.MedianFilter(3))
        clean = picture.filter(ImageFilter.MedianFilter(3))
        yield clean
        yield clean.resize((max(1, round(picture.width * 0.7)), max(1, round(picture.height * 0.7))))


def _png(picture: Image.Image) -> bytes:
    """A picture for the screen: grey of 16 steps, no wider than it can be shown."""
    if picture.width > _WIDE:
        picture = picture.resize((_WIDE, max(1, round(picture.height * _WIDE / picture.width))))
    kept = io.BytesIO()
    picture.quantize(16).save(kept, "PNG", optimize=True)
    return kept.getvalue()


def _cut(content: bytes, kind: str, wanted: list[list[int]], out: Any) -> None:
    """A PDF of some pages, each turned as asked: `[[page, turn], ...]`."""
    kept = io.BytesIO()
    if kind == PDF:
        _cut_pdf(_pdf(content), wanted).save(kept)
    else:
        frames = [picture for picture, _ in _pages(content, kind)]
        pictures = [frames[page].rotate(-turn, expand=True) for page, turn in wanted]
        pictures[0].save(kept, "PDF", save_all=True, append_images=pictures[1:], resolution=_DOTS)
    out.write(kept.getvalue())


def _cut_pdf(source: pypdfium2.PdfDocument, wanted: list[list[int]]) -> pypdfium2.PdfDocument:
    made = pypdfium2.PdfDocument.new()
    made.import_pages(source, [page for page, _ in wanted])
    for place, (_, turn) in enumerate(wanted):
        page = made[place]
        page.set_rotation((page.get_rotation() + turn) % 360)
    return made


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
