"""Sheets as PDF (decision 0232): letter size, headings and tables tagged so that a reader can hear them, page x of y.

Words are data of a fixed layout (`sheet.typ`): nothing of them is run. Letters that no font of this computer has are
printed as boxes, and the sheet says so: nothing is lost silently.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import gettempdir

_LAYOUT = Path(__file__).with_name("sheet.typ")
_NOWHERE = Path(gettempdir()) / "careloop-no-packages"
"""No package is ever fetched: the layout needs none, and none is where they would be looked for."""

FONTS = ("Liberation Sans", "Arial", "Helvetica Neue", "DejaVu Sans", "Noto Sans", "Libertinus Serif")
"""The first that this computer has; the last one comes with the library."""

_BOXES = "Some letters on this sheet are not in the fonts of this computer. Boxes stand for them."


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within the sheet; the title is level 1."""

    text: str
    level: int = 2
    kind: str = "heading"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str
    bold: bool = False
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    lines: Sequence[str]
    kind: str = "bullets"


@dataclass(frozen=True, slots=True)
class Line:
    """A line to write on by hand."""

    kind: str = "line"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a head that is repeated on each page. `widths` are parts of the whole, all alike where none."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int] = ()
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Trend:
    """A line through points from 0 to 1, right and up; `says` is what it shows in words and stands below it."""

    points: Sequence[tuple[float, float]]
    says: str
    kind: str = "trend"


Block = Heading | Text | Bullets | Line | Table | Trend


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """What is printed. `header` and `footer` stand on every page; `page` are the words around the page number; 11
    points for staff, 16 for patients (ui.md §10)."""

    title: str
    blocks: Sequence[Block]
    header: Sequence[str] = ()
    footer: Sequence[str] = ()
    page: tuple[str, str] = ("Page ", " of ")
    size: int = 11
    lang: str = "en"


def pdf_of(sheet: Sheet, at: datetime | None = None) -> bytes:
    """The sheet as PDF/UA-1, made `at`. Where a letter cannot be printed it is a plain PDF that says so."""
    import typst  # 8 MB that only a process which prints a sheet needs

    try:
        return _compiled(sheet, sheet.blocks, at, tagged=True)
    except typst.TypstError:
        return _compiled(sheet, [Text(_BOXES, bold=True), *sheet.blocks], at, tagged=False)


def _compiled(sheet: Sheet, blocks: Sequence[Block], at: datetime | None, *, tagged: bool) -> bytes:
    import typst

    words = {
        "title": sheet.title,
        "header": list(sheet.header),
        "footer": list(sheet.footer),
        "page": list(sheet.page),
        "size": sheet.size,
        "lang": sheet.lang,
        "fonts": list(FONTS),
        "blocks": [_drawn(one) for one in blocks],
    }
    made: bytes = typst.compile(
        str(_LAYOUT),
        root=str(_LAYOUT.parent),
        format="pdf",
        sys_inputs={"sheet": json.dumps(words)},
        pdf_standards="ua-1" if tagged else None,
        package_path=str(_NOWHERE),
        package_cache_path=str(_NOWHERE),
        timestamp=int(at.timestamp()) if at else None,
    )
    return made


def _drawn(one: Block) -> dict[str, object]:
    drawn = asdict(one)
    if isinstance(one, Table):
        drawn["widths"] = list(one.widths) or [1] * len(one.head)
    return drawn
