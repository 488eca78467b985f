"""Somebody is called at once when a patient tells of danger and nobody of us sits beside them (AS-05).

The page is a Communication to whoever owns the first step of the safety loop and to everybody who is on call then (the
roster under Notices); any program that pages people can follow it, and both have the notice NT-01 at
once. It is taken by writing when it was `received`. Whether or not it is taken, the loop calls the physician after half
of its time (content/pathways/safety-concern.yaml): of two hours at night, after one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.access.model import system_principal
from careloop.assessments import resources
from careloop.engagement.notices import store as notices
from careloop.flows.assessing_form import Extraction, put
from careloop.loops import store

_BESIDE = frozenset({"interview"})
"""Modes in which a member of the staff hears the answer."""


def page_for(found: Extraction, tasks: Sequence[Mapping[str, Any]]) -> None:
    """The owner of each new safety concern is called, unless the answer was given to a member of the staff."""
    if not tasks or found.form.mode in _BESIDE:
        return
    references = [f"Task/{task['id']}" for task in tasks]
    loops = store.load_loops(found.tx, focuses=references)
    owners = {loop.state.focus: loop.steps["contact"].owner for loop in loops if "contact" in loop.steps}
    on_call = notices.on_call_at(found.tx, found.now)
    pages = [
        resources.page(
            found.id("page", str(task["id"])),
            found.form,
            about=reference,
            to=list(dict.fromkeys([*([owners[reference]] if reference in owners else []), *on_call])),
            now=found.now,
            says=f"{task['code']['text']}. Open the worklist and call the patient now.",
            private=bool((task.get("meta") or {}).get("security")),
        )
        for task, reference in zip(tasks, references, strict=True)
    ]
    who = system_principal(found.tx.tenant_id, "assessments")
    found.door(found.app, found.tx, who, [put(one) for one in pages], cause=found.form.versioned)
