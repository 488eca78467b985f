"""Stories told to one running product over a year of its clock, in order and in disorder, and what came of them."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby

from tests.acceptance.messages import Json, adt, at, iso, new_control_id, patient
from tests.acceptance.product import Fhir, Product

IN_ORDER = "in order"
VARIANTS = (IN_ORDER, "shuffled and doubled 1", "shuffled and doubled 2")
NOTICES = ("Task", "Communication")


@dataclass
class Seen:
    """What a FHIR client reads about one patient at one moment."""

    loops: list[Json]
    steps: list[dict[str, Json]]
    others: list[Json]
    stays: dict[str, Json]
    episodes: dict[str, Json]
    scores: list[Json]

    @property
    def loop(self) -> Json:
        """The only transition loop."""
        [found] = self.loops
        return found

    def step(self, step_id: str) -> Json:
        """A step of the newest transition loop."""
        return self.steps[-1][step_id]

    def score(self, code: str, stay: str) -> Json:
        """The score of the stay with that visit number."""
        about = f"Encounter/{self.stays[stay]['id']}"
        [found] = [
            one for one in self.scores
            if one["code"]["coding"][0]["code"] == code and one.get("encounter", {}).get("reference") == about
        ]  # fmt: skip
        return found


@dataclass
class Teller:
    """One patient's story in one variant. Numbers of patients and visits are its own, so that stories never meet."""

    number: str
    variant: str
    physician: str
    patient: str
    pending: list[tuple[str, str | Json]] = field(default_factory=list)
    looks: list[tuple[str, str]] = field(default_factory=list)
    seen: dict[str, Seen] = field(default_factory=dict)
    acks: list[str] = field(default_factory=list)
    visits: set[str] = field(default_factory=set)
    more_patients: dict[str, str] = field(default_factory=dict)

    def visit_number(self, short: str) -> str:
        """The hospital's number of the visit that the story calls `short`."""
        self.visits.add(short)
        return f"V{self.number}-{short}"

    def hears(self, event: str, when: str, visit: str = "1", *, arrives: str | None = None, **more: str) -> None:
        """An ADT message of the hospital about this patient."""
        mrn = more.pop("mrn", self.number)
        raw = adt(event, when, mrn=mrn, visit=self.visit_number(visit), **more)  # type: ignore[arg-type]
        self.pending.append((arrives or when, raw))

    def stay(self, admit: str, discharge: str, disposition: str = "01", visit: str = "1", **more: str) -> None:
        """Admission and discharge."""
        self.hears("A01", admit, visit, **more)
        self.hears("A03", discharge, visit, disposition=disposition, **more)

    def writes(self, when: str, resource: Json) -> None:
        """A FHIR client writes this then."""
        self.pending.append((when, resource))

    def look(self, when: str, name: str = "end") -> None:
        """At this moment the patient's state is read. Disorderly variants read only at the end."""
        if self.variant == IN_ORDER or name == "end":
            self.looks.append((when, name))


Story = Callable[[Teller], None]


class Year:
    """A product whose clock jumps from look to look; everything told before a look has arrived by then."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.tellers: dict[tuple[str, str], Teller] = {}

    def prepare(self, stories: Iterable[Story]) -> None:
        """Every story in every variant has its patient, known to two hospitals."""
        fhir = self.product.client()
        physician = a_physician(fhir)
        for index, story in enumerate(stories):
            for turn, variant in enumerate(VARIANTS):
                number = f"{1000 + index * 10 + turn}"
                person = patient(number, name=[{"use": "official", "family": f"Story{number}", "given": ["Ana"]}])
                person["identifier"].append({"system": "urn:careloop:authority:EASTSIDE", "value": f"7{number}"})
                fhir.write(person)
                teller = Teller(number=number, variant=variant, physician=physician, patient=person["id"])
                story(teller)
                self.tellers[story.__name__, variant] = teller

    def tell(self) -> None:
        """From look to look until all is read."""
        moments = sorted({when for teller in self.tellers.values() for when, _ in teller.looks}, key=at)
        for moment in moments:
            self.product.restart(iso(moment))
            fhir = self.product.client()
            for teller in self.tellers.values():
                self._arrive(fhir, teller, moment)
            self.product.settle()
            self.product.deadlines(iso(moment))
            for teller in self.tellers.values():
                for when, name in teller.looks:
                    if when == moment:
                        teller.seen[name] = see(fhir, teller)

    def _arrive(self, fhir: Fhir, teller: Teller, moment: str) -> None:
        if teller.variant != IN_ORDER and moment != max((when for when, _ in teller.looks), key=at):
            return
        due = sorted((one for one in teller.pending if at(one[0]) <= at(moment)), key=lambda one: at(one[0]))
        teller.pending = [one for one in teller.pending if one not in due]
        things = [thing for _, thing in due]
        if teller.variant != IN_ORDER:
            again = [told_anew(one) for one in things if isinstance(one, str)]
            things = [*things, *things, *again]
            random.Random(teller.variant + teller.number).shuffle(things)
        for is_message, group in groupby(things, key=lambda thing: isinstance(thing, str)):
            together = list(group)
            if is_message:
                teller.acks += [ack.code for ack in self.product.send(*together)]
            else:
                fhir.write(*together)


def told_anew(message: str) -> str:
    """The same content under another control id (TR-04: must change nothing)."""
    lines = message.split("\r")
    fields = lines[0].split("|")
    fields[9] = new_control_id()
    return "\r".join(["|".join(fields), *lines[1:]])


def a_physician(fhir: Fhir) -> str:
    """Somebody who may bill a visit, found as any client would."""
    found = fhir.find("PractitionerRole?role=urn:careloop:role|physician")
    return str(found[0]["practitioner"]["reference"])


def see(fhir: Fhir, teller: Teller) -> Seen:
    """Everything about the patient."""
    person = teller.patient
    loops = fhir.loops(person)
    stays: dict[str, Json] = {}
    for short in sorted(teller.visits):
        found = fhir.find(f"Encounter?identifier=V{teller.number}-{short}")
        if found:
            [stays[short]] = found
    every = fhir.find(f"Task?patient=Patient/{person}")
    return Seen(
        loops=loops,
        steps=[fhir.steps(loop) for loop in loops],
        others=[task for task in every if task["code"]["coding"][0]["code"] != "discharge-transition"
                and "partOf" not in task],
        stays=stays,
        episodes={short: fhir.episode(stay["id"]) for short, stay in stays.items()
                  if stay["status"] != "entered-in-error"},
        scores=fhir.find(f"Observation?patient=Patient/{person}&code=urn:careloop:score|lace,urn:careloop:score|hospital"),
    )  # fmt: skip
