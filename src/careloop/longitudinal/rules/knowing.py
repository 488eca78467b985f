"""Who still has to know a fact: from Tasks, Communications and signatures. Pure.

Nothing is assumed: where a result came and nobody is known to have read it, exactly that is said.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from careloop.longitudinal.model import Fact, Knowing, Knows, Resource
from careloop.longitudinal.rules.paths import instant_of, walk, words_of
from careloop.longitudinal.rules.sources import People

_OPEN = frozenset({"draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold"})
_ASKED_ABOUT = frozenset({"Observation", "DiagnosticReport", "DocumentReference"})
_NEW_FOR = timedelta(days=30)
_SIGNED = ("authenticator", "resultsInterpreter")
_READERS = frozenset({"result-accepted", "result-reviewed", "follow-up-decided"})
_MOST = 3
_LAST = 1e12


class Ledger:
    """What Tasks, Communications and Provenance say about who knows which fact; made once for a page."""

    def __init__(self, resources: Iterable[Resource], people: People, now: datetime) -> None:
        self._people, self._now = people, now
        self._tasks: dict[str, list[Resource]] = {}
        self._notices: dict[str, list[Resource]] = {}
        steps: dict[str, list[Resource]] = {}
        for one in resources:
            if one["resourceType"] == "Communication":
                for reference in _about(one):
                    self._notices.setdefault(reference, []).append(one)
            elif one["resourceType"] == "Task" and one.get("status") in _OPEN:
                for parent in walk(one, "partOf.reference"):
                    steps.setdefault(parent, []).append(one)
                for reference in (*walk(one, "focus.reference"), *walk(one, "reasonReference.reference")):
                    self._tasks.setdefault(_plain(reference), []).append(one)
        for reference, tasks in self._tasks.items():
            told = [step for task in tasks for step in steps.get(f"Task/{task['id']}", ())]
            self._tasks[reference] = [*(one for one in tasks if f"Task/{one['id']}" not in steps), *told]

    def of(self, facts: Sequence[Fact]) -> tuple[Knowing, ...]:
        """Who waits to know one of these facts (of one matter), who read it, or that nobody is known to have."""
        waits = sorted(
            (knowing for fact in facts for knowing in self._waiting(fact)),
            key=lambda knowing: knowing.due.timestamp() if knowing.due else _LAST,
        )
        read = [knowing for fact in facts for knowing in (*self._read(fact), *self._signed(fact))]
        found = list(dict.fromkeys([*waits, *read]))
        if not found and self._is_news(facts[0]):
            found = [Knowing(state=Knows.UNKNOWN, words="No record that anyone here has read this")]
        return tuple(found[:_MOST])

    def _waiting(self, fact: Fact) -> Iterable[Knowing]:
        for task in self._tasks.get(fact.reference, ()):
            owner = self._people.name(task.get("owner", {})) or "Somebody without a name on record"
            due = instant_of(task.get("restriction", {}).get("period", {}).get("end"))
            yield Knowing(state=Knows.WAITS, words=f"{owner} still has to {_what(task)}", due=due, task_id=task["id"])
        for notice in self._notices.get(fact.reference, ()):
            if not notice.get("received") and notice.get("status") not in ("completed", "entered-in-error", "not-done"):
                for recipient in notice.get("recipient", ()):
                    name = self._people.name(recipient) or "Somebody without a name on record"
                    yield Knowing(state=Knows.WAITS, words=f"{name} was told and has not read it yet")

    def _read(self, fact: Fact) -> Iterable[Knowing]:
        for notice in self._notices.get(fact.reference, ()):
            if notice.get("status") != "completed":
                continue
            codes = set(walk(notice, "category.coding.code"))
            reader = notice.get("sender", {}) if codes & _READERS else (notice.get("recipient") or [{}])[0]
            name = self._people.name(reader)
            if name and (notice.get("received") or codes & _READERS):
                yield Knowing(state=Knows.READ, words=f"{name} has read it")

    def _signed(self, fact: Fact) -> Iterable[Knowing]:
        for path in _SIGNED:
            for one in walk(fact.resource, path):
                if isinstance(one, Mapping) and (name := self._people.name(one)):
                    yield Knowing(state=Knows.READ, words=f"{name} signed it")

    def _is_news(self, fact: Fact) -> bool:
        if fact.type not in _ASKED_ABOUT or fact.sources[0].kind.value in ("careloop", "patient", "staff"):
            return False
        told = instant_of(fact.sources[0].at) or fact.recorded
        if fact.type == "Observation" and "laboratory" not in walk(fact.resource, "category.coding.code"):
            return False
        return timedelta(0) <= self._now - told <= _NEW_FOR


def _about(notice: Resource) -> list[str]:
    places = ("about", "reasonReference", "basedOn", "payload.contentReference")
    return [_plain(one) for place in places for one in walk(notice, f"{place}.reference")]


def _plain(reference: str) -> str:
    return reference.split("/_history/")[0].split("#")[0]


def _what(task: Resource) -> str:
    if "urn:careloop:work" in walk(task, "code.coding.system"):
        return "settle which source is right"
    title = words_of(task.get("code")) or str(task.get("description", "do a task"))
    return _lowered(title)


def _lowered(title: str) -> str:
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
