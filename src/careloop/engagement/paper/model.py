"""Values of papers: files that came in, their pages, what was found on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

PDF, TIFF, JPEG = "application/pdf", "image/tiff", "image/jpeg"
ENDINGS: Final = {PDF: "pdf", TIFF: "tif", JPEG: "jpg"}
MOST_BYTES: Final = 20_000_000
MOST_PAGES: Final = 60
TURNS: Final = (0, 90, 180, 270)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What reading a page gave. `image` is a PNG in grey; `codes` are texts of QR codes; `turn` is how far it must be
    turned clockwise to stand upright, as its code says; `text` is its text layer, empty for a scan."""

    image: bytes
    codes: Sequence[str] = ()
    turn: int = 0
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of a paper: its place in the file, from 0, how far it is turned clockwise, the sheet codes on it."""

    page: int
    turn: int = 0
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewPaper:
    """A file that was read and is to wait."""

    id: str
    name: str
    content_type: str
    content: bytes
    source: str
    looked: Sequence[Looked]
    pages: Sequence[Page]


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper as it stands. `file_id` is the paper whose file this one shows pages of: itself, unless it was split off.

    `status`: `waiting`, `attached`, `set-aside`. `how` it was attached: `code`, `person`. `matter` is what it answers.
    """

    id: str
    file_id: str
    name: str
    content_type: str
    came: datetime
    came_by: str
    source: str
    status: str
    late_at: datetime
    pages: tuple[Page, ...]
    said: str = field(repr=False)
    patient_id: str | None = None
    document: str | None = None
    kind: str | None = None
    matter: str | None = None
    settled: datetime | None = None
    settled_by: str | None = None
    how: str | None = None
    why: str | None = None
    glanced: datetime | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The sheet codes on its pages, each once."""
        return tuple(dict.fromkeys(code for one in self.pages for code in one.codes))

    def page_of(self, code: str) -> int:
        """The first page with this code, counted from 1; 0 where none has it."""
        return next((number for number, one in enumerate(self.pages, start=1) if code in one.codes), 0)

    @property
    def is_whole(self) -> bool:
        """True where it is a file as it came: nothing was split off and no page is turned."""
        return self.file_id == self.id and all(
            one.page == place and one.turn == 0 for place, one in enumerate(self.pages)
        )


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many papers wait, how many of these are late, how many were attached by a code and want a glance."""

    waiting: int
    late: int
    to_glance: int


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a paper was attached to."""

    patient_id: str
    document: str
    kind: str
    matter: str | None
    how: str
