"""What a partner can answer, as forms: one page, no script, the fields of the chosen answer only. Pure.

The words are those of the fax-back box (ui.md §9, §10), so that paper and page ask the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from careloop.community import Purpose
from careloop.errors import Fault, Rejected

MOST_TEXT = 2000
_WORD = 200


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of an answer. `kind`: `date`, `time`, `text` (a few lines), `line`, `file`."""

    name: str
    label: str
    kind: str
    required: bool = False
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer. `says` is what the record says of it; `again`: a further answer is awaited, by a new code."""

    code: str
    label: str
    says: str
    fields: Sequence[Field] = ()
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer that is complete. `texts` and `dates` by field name; `at` is the visit, where a time was given too."""

    option: Option
    who: str
    phone: str
    texts: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, date] = field(default_factory=dict)
    at: datetime | None = None

    @property
    def words(self) -> str:
        """The whole answer as a person reads it."""
        parts = [self.option.says]
        for one in self.option.fields:
            if one.name in self.dates:
                parts.append(f"{one.label}: {_day(self.dates[one.name])}")
            elif self.texts.get(one.name):
                parts.append(f"{one.label}: {self.texts[one.name]}")
        by = f"{self.who}, {self.phone}" if self.phone else self.who
        return ". ".join([*(part.rstrip(".") for part in parts), f"Answered by {by}"]) + "."


def _day(day: date) -> str:
    return f"{day.day} {day:%b} {day.year}"


_DATE, _TIME, _TEXT, _FILE = "date", "time", "text", "file"
_REPORT = Field(name="report", label="The report", kind=_FILE, hint="PDF, TIFF or JPEG, up to 20 MB")

FORMS: Mapping[Purpose, Sequence[Option]] = {
    Purpose.MEDICINES: (),
    Purpose.SPECIALIST: (
        Option(
            code="accepted",
            label="We accept",
            says="The referral is accepted",
            again=True,
            fields=(
                Field(name="day", label="Visit date", kind=_DATE, hint="Leave it open if there is no date yet"),
                Field(name="time", label="Time", kind=_TIME),
                Field(name="with", label="With whom", kind="line"),
            ),
        ),
        Option(
            code="need-more",
            label="We need more",
            says="More is needed before this can be decided",
            again=True,
            fields=(Field(name="more", label="What you need", kind=_TEXT, required=True),),
        ),
        Option(
            code="cannot",
            label="We cannot take this patient",
            says="The referral is declined",
            fields=(Field(name="why", label="Why", kind=_TEXT, required=True),),
        ),
        Option(
            code="seen",
            label="The patient was seen",
            says="The patient was seen",
            again=True,
            fields=(
                Field(name="seen", label="Seen on", kind=_DATE, required=True),
                _REPORT,
                Field(name="note", label="Or your answer in words", kind=_TEXT),
            ),
        ),
    ),
    Purpose.COMMUNITY: (
        Option(
            code="accepted",
            label="Yes, we will help",
            says="The organization will help",
            again=True,
            fields=(
                Field(name="day", label="First meeting or delivery", kind=_DATE),
                Field(name="note", label="What the person should know", kind=_TEXT),
            ),
        ),
        Option(
            code="cannot",
            label="No, we cannot",
            says="The organization cannot help",
            fields=(Field(name="why", label="Why", kind=_TEXT, required=True),),
        ),
        Option(
            code="help-given",
            label="Help was given",
            says="The organization says that help was given",
            fields=(
                Field(name="given", label="Given on", kind=_DATE, required=True),
                Field(name="what", label="What was given", kind=_TEXT, required=True),
            ),
        ),
    ),
    Purpose.FACILITY: (
        Option(
            code="sent",
            label="Here it is",
            says="What was asked for was sent",
            fields=(Field(name="report", label="The document", kind=_FILE, hint=_REPORT.hint, required=True),),
        ),
        Option(
            code="by",
            label="We will send it",
            says="What was asked for is promised",
            again=True,
            fields=(Field(name="day", label="By", kind=_DATE, required=True),),
        ),
        Option(
            code="cannot",
            label="We do not have it",
            says="What was asked for cannot be sent",
            fields=(Field(name="why", label="Why, or who has it", kind=_TEXT, required=True),),
        ),
    ),
    Purpose.CAREGIVER: (
        Option(code="yes", label="Yes", says="Yes", fields=(Field(name="note", label="Anything to add", kind=_TEXT),)),
        Option(code="no", label="No", says="No", fields=(Field(name="note", label="Anything to add", kind=_TEXT),)),
        Option(
            code="other",
            label="Something else",
            says="An answer in words",
            fields=(Field(name="words", label="Your answer", kind=_TEXT, required=True),),
        ),
    ),
}

_PAST = frozenset({"seen", "given"})


def option_of(purpose: Purpose, code: str) -> Option | None:
    """The answer of that code, None where this kind of partner has no such answer."""
    return next((one for one in FORMS[purpose] if one.code == code), None)


def read(purpose: Purpose, form: Mapping[str, str], *, has_file: bool, now: datetime, zone: ZoneInfo) -> Said:
    """The answer that a form holds; `Rejected` with each fault and the name of its field."""
    option = option_of(purpose, form.get("answer", ""))
    if option is None:
        fault = Fault(at="answer", expected="one of the answers", code="required")
        raise Rejected(at=fault.at, expected=fault.expected, code=fault.code, faults=[fault])
    faults: list[Fault] = []
    texts, dates = _texts(option, form, faults), _dates(option, form, faults, now.astimezone(zone).date())
    who, phone = _line(form.get("who", "")), _line(form.get("phone", ""))
    if not who:
        faults.append(Fault(at="who", expected="your name", code="required"))
    faults += [_missing(one) for one in option.fields if one.required and _is_empty(one, texts, dates, has_file)]
    at = _visit(form, option, dates.get("day"), zone, faults)
    if faults:
        raise Rejected(at=faults[0].at, expected=faults[0].expected, code=faults[0].code, faults=faults)
    return Said(option=option, who=who, phone=phone, texts=texts, dates=dates, at=at)


def field_id(option: Option, one: Field) -> str:
    """The name of a field in the form: answers may have fields of the same name."""
    return f"{option.code}-{one.name}"


def _texts(option: Option, form: Mapping[str, str], faults: list[Fault]) -> dict[str, str]:
    found = {}
    for one in option.fields:
        if one.kind in (_TEXT, "line"):
            text = form.get(field_id(option, one), "").strip()
            if len(text) > MOST_TEXT:
                faults.append(Fault(at=field_id(option, one), expected=f"at most {MOST_TEXT} letters", code="too-long"))
            if text:
                found[one.name] = text
    return found


def _dates(option: Option, form: Mapping[str, str], faults: list[Fault], today: date) -> dict[str, date]:
    found = {}
    for one in option.fields:
        text = form.get(field_id(option, one), "").strip()
        if one.kind != _DATE or not text:
            continue
        day = _as_date(text)
        if day is None:
            faults.append(Fault(at=field_id(option, one), expected="a date such as 2026-12-03", code="value"))
        elif one.name in _PAST and day > today:
            faults.append(Fault(at=field_id(option, one), expected="a day that is not ahead", code="value"))
        elif one.name not in _PAST and day < today:
            faults.append(Fault(at=field_id(option, one), expected="a day that is still ahead", code="value"))
        else:
            found[one.name] = day
    return found


def _as_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _visit(
    form: Mapping[str, str], option: Option, day: date | None, zone: ZoneInfo, faults: list[Fault]
) -> datetime | None:
    """The instant of the visit, where the answer gives a day and a time."""
    text = form.get(f"{option.code}-time", "").strip()
    if not text or not any(one.kind == _TIME for one in option.fields):
        return None
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        faults.append(Fault(at=f"{option.code}-time", expected="a time such as 14:30", code="value"))
        return None
    if day is None:
        faults.append(Fault(at=f"{option.code}-day", expected="the day of this time", code="required"))
        return None
    return datetime.combine(day, clock.replace(tzinfo=None), tzinfo=zone)


def _is_empty(one: Field, texts: Mapping[str, str], dates: Mapping[str, date], has_file: bool) -> bool:
    return not has_file if one.kind == _FILE else one.name not in texts and one.name not in dates


def _missing(one: Field) -> Fault:
    return Fault(at=one.name, expected=f"{one.label[0].lower()}{one.label[1:]}", code="required")


def _line(text: str) -> str:
    return " ".join(text.split())[:_WORD]
