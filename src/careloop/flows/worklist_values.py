"""What the worklist, its pane and the board show, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.flows.proof_ways import Offered
from careloop.loops.model import ClockState
from careloop.loops.rules.rank import RankPart
from careloop.loops.worklist import Placed


@dataclass(frozen=True, kw_only=True)
class Narrowed:
    """Filters of a list beside scope and kind: whose (an owner's reference), due (`late`, `today`, `tomorrow`, `week`),
    risk (`high`, `standard`), language and programme in the words of the screen. Empty ones narrow nothing."""

    owner: str = ""
    due: str = ""
    risk: str = ""
    language: str = ""
    programme: str = ""


@dataclass(frozen=True, kw_only=True)
class WorklistRow:
    """One loop in its place. `segments`: for each step that counts, whether its proof is in hand. `more`: further
    open loops of the same patient. `minutes`: what the step takes; `is_call`: it is done by a call to the patient.
    `language` is empty for English and where nobody asked."""

    loop_id: str
    code: str
    patient_id: str
    patient_name: str
    age: int | None
    sex: str
    language: str
    pathway: str
    step_id: str | None
    title: str
    reason: str
    due: datetime
    clock: ClockState
    owner: str
    owner_name: str
    owner_initials: str
    segments: tuple[bool, ...]
    points: int
    more: int
    minutes: int = 0
    is_call: bool = False


@dataclass(frozen=True, kw_only=True)
class WorklistGroup:
    """`now`, `today`, `week` or `waiting`. `total` counts rows that the page leaves out too; None where the list is too
    long to be counted."""

    key: str
    title: str
    rows: tuple[WorklistRow, ...]
    total: int | None


@dataclass(frozen=True, kw_only=True)
class WorklistPage:
    """The whole page. Counts are over the scope that was asked for, whatever part of it is shown; `shown_total` over
    what the filters leave, None where that is too much to be counted. `own`: where it is the asker's own list as it
    stands, its order beyond the rows that are shown; None for any other list."""

    groups: tuple[WorklistGroup, ...]
    open_total: int
    late_total: int
    closed_today: int
    type_counts: dict[str, int]
    snoozed_total: int
    shown_total: int | None
    next_check: datetime | None
    own: Sequence[Placed] | None = None


@dataclass(frozen=True, kw_only=True)
class Phone:
    """A number to dial, and as it reads."""

    dial: str
    text: str


@dataclass(frozen=True, kw_only=True)
class StepLine:
    """One proof that the loop needs. `open`: somebody still has to do it."""

    step_id: str
    title: str
    state: str
    detail: str
    done: bool
    open: bool


@dataclass(frozen=True, kw_only=True)
class HistoryLine:
    """Something that happened to the loop; `who` is empty for the engine itself."""

    at: datetime
    text: str
    who: str


@dataclass(frozen=True, kw_only=True)
class OfferShown:
    """A hand-over that waits for an answer. `to_queue`: anybody may take it."""

    id: str
    giver: str
    from_name: str
    to: str
    to_name: str
    to_queue: bool
    why: str
    offered: datetime


@dataclass(frozen=True, kw_only=True)
class LoopDetail:
    """Everything that the pane of one loop shows. `position` is None where it is not on the asker's own list; `proof`
    is how the next step can be proven by hand."""

    row: WorklistRow
    phones: tuple[Phone, ...]
    best_time: str
    may_hear: str
    interpreter: bool
    can_call: bool
    try_words: str
    steps: tuple[StepLine, ...]
    proven: int
    rank: tuple[RankPart, ...]
    position: int | None
    history: tuple[HistoryLine, ...]
    also: tuple[tuple[str, str | None, str], ...]
    offer: OfferShown | None
    waiting_until: datetime | None
    evidence: tuple[str, ...]
    focus: str
    proof: Offered | None


@dataclass(frozen=True, kw_only=True)
class BoardCard:
    """One person between hospital and home. In hospital there is no loop and no clock yet: `status_line` says where.

    `risk` is a word or empty; `language` as in a worklist row.
    """

    loop_id: str | None
    patient_id: str
    patient_name: str
    place_line: str
    status_line: str
    due: datetime | None
    clock: ClockState
    risk: str
    language: str
    segments: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True)
class BoardColumn:
    """One stage. `total` counts cards that are left out too."""

    key: str
    title: str
    total: int
    late: int
    cards: tuple[BoardCard, ...]


@dataclass(frozen=True, kw_only=True)
class TransitionsBoard:
    """The stages in order, and when the last hospital notice came in."""

    columns: tuple[BoardColumn, ...]
    last_notice: datetime | None
