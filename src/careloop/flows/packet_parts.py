"""Each part of a packet as blocks: in the words of staff, or plain for the patient."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.engagement.paper.pdf import Block, Bullets, Heading, Table, Text, Trend
from careloop.flows import brief, medicine_page, people, plan_pages
from careloop.flows import patient_reading as reading
from careloop.flows.app import App
from careloop.flows.brief_words import dated_words, is_private, moment_words
from careloop.flows.leading import lead_shown
from careloop.flows.patient_facts import Chart
from careloop.flows.patient_sections import sections_of
from careloop.flows.patient_trends import trends_of
from careloop.flows.patient_values import FactRow, Header
from careloop.flows.timeline import instant_of, text_of
from careloop.longitudinal import longitudinal_of
from careloop.longitudinal.rules.series import Series, SeriesPoint

_DRAWN = 24
_BOOKED = frozenset({"booked", "pending", "proposed"})


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What parts are made from. `chart` is without what may not be printed; `left_out` are the references of that.
    `plain`: the patient reads it; `words` are the plain words. `private`: what is private goes on paper too."""

    app: App
    tx: Transaction
    principal: Principal
    patient: Mapping[str, Any]
    chart: Chart
    header: Header
    plain: bool
    words: Mapping[str, str]
    private: bool
    left_out: frozenset[str]

    @property
    def id(self) -> str:
        """The patient's id."""
        return str(self.patient["id"])

    def rows(self, key: str) -> tuple[FactRow, ...]:
        """The lines of a section of the chart that stand now."""
        zone = people.zone_of(self.tx)
        sections = sections_of(self.chart, longitudinal_of(self.app.catalog), zone, with_past=False)
        return next(one.rows for one in sections if one.key == key)

    def bullets(self, lines: Sequence[str], most: int, empty: str = "") -> list[Block]:
        """The lines as a list; says where there are none, and where there are more."""
        if not lines:
            return [Text(empty or (self.words["none"] if self.plain else "None on record."))]
        left = len(lines) - most
        more: list[Block] = []
        if left > 0:
            more = [Text(self.words["more"] if self.plain else f"{left} more are not printed here.")]
        return [Bullets(list(lines[:most])), *more]


Make = Callable[[Reader, int], list[Block]]


def _brief(reader: Reader, most: int) -> list[Block]:
    page = brief.page(reader.app, reader.tx, reader.principal, reader.id, private=reader.private)
    blocks: list[Block] = []
    for part in page.brief.parts:
        lines = [_line(line.words, [link.words for link in line.links]) for line in part.lines]
        more = [f"and {part.left} more"] if part.left else []
        blocks += [Heading(part.section.title, level=3), *_list([*lines, *more], part.section.empty)]
    return blocks


def _line(words: str, sources: Sequence[str]) -> str:
    """A line of the brief with its sources; a line for many names them after its colon."""
    named = ", ".join(sources)
    return f"{words} {named}" if words.endswith(":") else f"{words} ({named})" if named else words


def _list(lines: Sequence[str], empty: str) -> list[Block]:
    return [Bullets(list(lines))] if lines else [Text(empty)]


def _matters(reader: Reader, most: int) -> list[Block]:
    goals = reading.goals_of(reader.chart.by_type.get("Goal", ()), people.zone_of(reader.tx))
    return reader.bullets([f"“{one.name}”" for one in goals], most, "" if reader.plain else "Nobody asked yet.")


def _plan(reader: Reader, most: int) -> list[Block]:
    page = plan_pages.page(reader.app, reader.tx, reader.principal, reader.id)
    if not page.version or f"CarePlan/{page.plan.id}" in reader.left_out:
        return reader.bullets([], most)
    blocks: list[Block] = []
    for block in page.goals:
        if block.steps:
            goal = block.goal.patient if reader.plain else block.goal.title
            steps = [_step(reader, step) for step in block.steps]
            blocks += [Heading(goal, level=3), *reader.bullets(steps, most)]
    return blocks or reader.bullets([], most)


def _step(reader: Reader, step: plan_pages.Step) -> str:
    one = step.activity
    every = one.every.words.capitalize()
    return f"{one.patient} {every}." if reader.plain else f"{one.title}. {every}. {one.owner.replace('-', ' ')}"


def _medicines(reader: Reader, most: int) -> list[Block]:
    page = medicine_page.page(reader.app, reader.tx, reader.principal, reader.id)
    entries = page.basis.entries if page.basis else ()
    private = {one.name for one in entries if one.reference in reader.left_out}
    lines = [one for one in page.current if one.name not in private]
    if reader.plain:
        said = [f"{one.name}. {one.how or one.purpose}".strip() for one in lines if not one.state]
        return [Text(reader.words["medicines-intro"]), *reader.bullets(said, most)]
    if not lines:
        return reader.bullets([], most)
    rows = [(one.name, one.how, one.purpose, one.state) for one in lines[:most]]
    zone = people.zone_of(reader.tx)
    signed = f"Last signed {moment_words(page.verified, zone)}." if page.verified else "This list was never signed."
    checked = f"{page.differing} differ between the lists: compare before use. " if page.differing else ""
    return [
        Text(f"{checked}{signed}"),
        Table(("Medicine", "How", "For", "State"), rows, (3, 4, 2, 1)),
        *([Text(f"{len(lines) - most} more are not printed here.")] if len(lines) > most else []),
    ]


def _allergies(reader: Reader, most: int) -> list[Block]:
    known = reader.header.allergies
    if known is None:
        said = reader.words["allergies-not-asked"] if reader.plain else "Not asked. That is not the same as none."
        return [Text(said, bold=True)]
    return reader.bullets(known, most, reader.words["allergies-none"] if reader.plain else "No known allergies.")


def _facts(key: str) -> Make:
    def made(reader: Reader, most: int) -> list[Block]:
        if reader.plain:
            return reader.bullets([row.name for row in reader.rows(key)], most)
        return reader.bullets([_fact_line(row) for row in reader.rows(key)], most)

    return made


def _fact_line(row: FactRow) -> str:
    """Name, detail, and the day where the detail does not say since when."""
    dated = "" if row.detail.startswith("since") else row.dated
    return ", ".join(part for part in (row.name, row.detail, dated) if part)


def _results(reader: Reader, most: int) -> list[Block]:
    zone = people.zone_of(reader.tx)
    trends = [one.series for one in trends_of(reader.chart, longitudinal_of(reader.app.catalog), zone)]
    trends.sort(key=lambda one: (not one.newest.is_out, -one.newest.at.timestamp(), one.name))
    if reader.plain:
        return reader.bullets([_plain_result(reader, one) for one in trends], most)
    if not trends:
        return reader.bullets([], most)
    rows = [
        (
            one.name,
            f"{one.newest.told} {one.newest.flag}".strip(),
            one.newest.usual,
            dated_words(one.newest.at.isoformat(), reader.chart.now, zone),
            one.points[-2].told if len(one.points) > 1 else "",
        )
        for one in trends[:most]
    ]
    table = Table(("Test", "Newest", "Usual", "When", "Before"), rows, (3, 2, 2, 1, 2))
    drawn = [_trend(one) for one in trends[:most] if len(one.drawn) > 2 and one.newest.is_out]
    left = [Text(f"{len(trends) - most} more are not printed here.")] if len(trends) > most else []
    return [table, *left, *drawn]


def _plain_result(reader: Reader, series: Series) -> str:
    """`Potassium: 5.9 mmol/L. This is higher than usual. The time before it was 4.4 mmol/L.`"""
    newest, words = series.newest, reader.words
    said = [f"{series.name}: {newest.told}."]
    if newest.flag:
        said.append(words[newest.flag])
    if newest.usual:
        said.append(f"{words['usual']} {newest.usual}.")
    if len(series.points) > 1:
        said.append(f"{words['before']} {series.points[-2].told}.")
    return " ".join(said)


def _trend(series: Series) -> Trend:
    """The line of a series within its own height; its range is said."""
    points = series.drawn[-_DRAWN:]
    numbers = [float(str(one.value)) for one in points]
    low, span = min(numbers), (max(numbers) - min(numbers)) or 1.0
    began, whole = points[0].at, (points[-1].at - points[0].at).total_seconds() or 1.0
    placed = [
        ((one.at - began).total_seconds() / whole, (value - low) / span)
        for one, value in zip(points, numbers, strict=True)
    ]
    return Trend(placed, f"{series.name}: {len(points)} values, from {_told(points[0])} to {_told(points[-1])}")


def _told(point: SeriesPoint) -> str:
    return f"{point.told} in {point.at:%b} {point.at.year}"


def _team(reader: Reader, most: int) -> list[Block]:
    lead = lead_shown(reader.tx, reader.id)
    roles: dict[str, list[str]] = {lead.name: ["lead coordinator"]} if lead else {}
    for one in reading.team_of(reader.chart.by_type.get("CareTeam", ()), reader.chart.people.names):
        said = roles.setdefault(one.name, [])
        if one.detail and one.detail.lower() not in " ".join(said):
            said.append(one.detail.lower())
    return reader.bullets([", ".join([name, *some]) for name, some in roles.items()], most)


def _contacts(reader: Reader, most: int) -> list[Block]:
    related = [
        one.resource
        for one in reader.app.record.of_patient(reader.tx, reader.id, ("RelatedPerson",))
        if one.resource.get("active", True) and not is_private(one.resource)
    ]
    return reader.bullets([_person(one) for one in (*related, *reader.patient.get("contact", ()))], most)


def _person(one: Mapping[str, Any]) -> str:
    name = one.get("name")
    names = name if isinstance(name, list) else [name] if name else []
    relation = text_of(next(iter(one.get("relationship", ())), None))
    phone = next((str(way.get("value", "")) for way in one.get("telecom", ()) if way.get("system") == "phone"), "")
    return ", ".join(part for part in (reading.full_name({"name": names}), relation, phone) if part)


def _visits(reader: Reader, most: int) -> list[Block]:
    zone, found = people.zone_of(reader.tx), []
    for stored in reader.app.record.of_patient(reader.tx, reader.id, ("Appointment",)):
        one = stored.resource
        at = instant_of(one.get("start"))
        if at and at > reader.chart.now and one.get("status") in _BOOKED and not is_private(one):
            found.append((at, visit_name(one)))
    return reader.bullets([f"{moment_words(at, zone)}: {name}" for at, name in sorted(found)], most)


def visit_name(appointment: Mapping[str, Any]) -> str:
    """What a visit is called."""
    concepts = [*appointment.get("serviceType", ()), appointment.get("appointmentType")]
    said = next((words for one in concepts if (words := text_of(one))), "")
    return said or str(appointment.get("description") or "Visit")


PARTS: Mapping[str, Make] = {
    "brief": _brief,
    "matters": _matters,
    "plan": _plan,
    "medicines": _medicines,
    "allergies": _allergies,
    "problems": _facts("problems"),
    "results": _results,
    "needs": _facts("needs"),
    "team": _team,
    "contacts": _contacts,
    "visits": _visits,
    "documents": _facts("documents"),
}
"""Each part of `content/briefs/packet.yaml` with what makes it."""
