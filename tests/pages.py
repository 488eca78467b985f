"""Pages as they come from scanners and fax machines, made for tests."""

import io
import random
from collections.abc import Sequence

import segno
from PIL import Image, ImageChops, ImageDraw, ImageFilter

DOTS = 150


def sheet(code: str | None = None, lines: Sequence[str] = (), *, dots: int = DOTS) -> Image.Image:
    """A letter page with a code in its corner, as it is printed, and some words."""
    page = Image.new("L", (int(8.5 * dots), 11 * dots), 255)
    drawn = ImageDraw.Draw(page)
    for number, line in enumerate([*lines, *["words of a sheet that nobody reads here "] * 12]):
        drawn.text((dots // 2, dots * 2 + number * dots // 5), line, fill=0, font_size=dots // 9)
    if code:
        made = segno.make(code, error="q", micro=False)
        kept = io.BytesIO()
        made.save(kept, kind="png", scale=max(1, dots // made.symbol_size()[0]), border=4)
        square = Image.open(kept).convert("L")
        page.paste(square, (page.width - square.width - dots * 3 // 4, dots * 3 // 4))
    return page


def faxed(page: Image.Image, *, skew: float = 0, turn: int = 0, specks: float = 0.0, seed: int = 1) -> Image.Image:
    """The page after a machine: skewed by degrees, turned clockwise, blurred, specked, black or white."""
    page = page.rotate(skew, fillcolor=255, resample=Image.Resampling.BICUBIC).rotate(-turn, expand=True)
    page = page.filter(ImageFilter.GaussianBlur(0.7))
    if specks:
        dots = random.Random(seed).randbytes(page.width * page.height)
        noise = Image.frombytes("L", page.size, dots)
        dark = noise.point(lambda value: 0 if value < 256 * specks else 255)
        light = noise.point(lambda value: 255 if value >= 256 * (1 - specks) else 0)
        page = ImageChops.lighter(ImageChops.darker(page, dark), light)
    return page.point(lambda value: 255 if value > 128 else 0).convert("1")


def tiff(pages: Sequence[Image.Image], *, compression: str = "group4") -> bytes:
    """A TIFF of these pages, as fax servers make it."""
    kept = io.BytesIO()
    dpi = (DOTS, DOTS)
    pages[0].save(kept, "TIFF", save_all=True, append_images=list(pages[1:]), compression=compression, dpi=dpi)
    return kept.getvalue()


def jpeg(page: Image.Image) -> bytes:
    """A JPEG of a page, as a phone makes it."""
    kept = io.BytesIO()
    page.convert("L").save(kept, "JPEG", quality=60)
    return kept.getvalue()


def pdf(pages: Sequence[Image.Image]) -> bytes:
    """A PDF of page images, as scanners make it."""
    kept = io.BytesIO()
    pages[0].convert("L").save(
        kept, "PDF", save_all=True, append_images=[one.convert("L") for one in pages[1:]], resolution=DOTS
    )
    return kept.getvalue()


def sheet_pdf(lines: Sequence[str], code: str | None = None) -> bytes:
    """A scanned sheet."""
    return pdf([sheet(code, lines)])
