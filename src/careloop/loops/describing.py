"""A pathway in plain words, for somebody who has never seen the file."""

from collections.abc import Iterator, Sequence

from careloop.loops.rules.conditions import in_words
from careloop.loops.rules.pathways import Due, EndsWhen, OpensWhen, Pathway, Step

_EVENTS = {
    "stay-ended": "the patient leaves",
    "stay-planned": "a stay is planned",
    "discharge-pending": "the hospital announces a discharge from",
}
_ENDS = {
    "patient-died": "the patient dies",
    "admitted": "the patient is admitted to hospital",
    "left-facility": "the patient leaves the facility",
}
_CLASSES = {
    "IMP": "inpatient",
    "ACUTE": "acute inpatient",
    "NONAC": "non-acute inpatient",
    "OBSENC": "observation",
    "UNK": "of unknown kind",
    "EMER": "emergency",
    "PRENC": "pre-admission",
}


def in_plain_words(pathway: Pathway) -> Iterator[str]:
    """What opens it, who does what by when, what proves it, who else looks, what ends it; one sentence a line."""
    signed = "" if pathway.reviewed else ", not reviewed by a clinician"
    yield f"{pathway.title} ({pathway.id} {pathway.version}{signed})"
    yield f"  Opens when {_opens(pathway.opens_when)}."
    end = "is over" if pathway.ends_with_window else "is up (it stays open, late, until it is closed)"
    yield f"  Its time {end} {pathway.window.words} later ({pathway.window_rule})."
    if pathway.patient_says:
        yield f"  The patient is told: {pathway.patient_says}"
    for number, step in enumerate(pathway.steps, start=1):
        yield from _step(number, step)
    for ending in pathway.ends_when:
        yield f"  Ends without proof when {_ends(ending)}: {ending.reason}."
    yield "  Ends when its last step has proof."


def _opens(opens: OpensWhen) -> str:
    if opens.event == "fact":
        about = f"; it is about the {' or '.join(opens.about)} that this names" if opens.about else ""
        fresh = "".join(f"; a {kind} older than {span.words} is history" for kind, span in opens.fresh.items())
        return f"there is {in_words(opens.when)}{about}{fresh}"
    classes = _listed([_CLASSES.get(code, code) for code in sorted(opens.classes)])
    words = f"{_EVENTS[opens.event]}{'' if opens.event == 'stay-planned' else f' a stay that is {classes}'}"
    if opens.follow_up:
        words += f", to a place whose follow-up is {_listed(sorted(opens.follow_up))}"
    if opens.groups:
        words += f", to {_listed(sorted(group.replace('_', ' ') for group in opens.groups))}"
    if opens.disposition_unknown:
        words += ", or to a place that nobody recorded"
    if opens.unless_admitted_within:
        words += f", unless admission follows within {opens.unless_admitted_within.words}"
    return words


def _listed(words: Sequence[str]) -> str:
    return " or ".join(words)


def _ends(ending: EndsWhen) -> str:
    if ending.event == "fact":
        return f"there is {in_words(ending.when)}"
    return _ENDS[ending.event]


def _step(number: int, step: Step) -> Iterator[str]:
    only = _only(step)
    yield f"  {number}. {step.title} ({step.id}{only})"
    yield f"     Who and when: the {step.owner_role}, {_due(step.due)} ({step.due.rule})."
    yield f"     Proof: {_proof(step)}."
    if step.attempts:
        tries = (
            "1 try in time satisfies" if step.attempts.enough == 1 else f"{step.attempts.enough} tries in time satisfy"
        )
        yield f"     {tries} {step.attempts.rule}, but not the step."
        if step.attempts.then:
            yield f"     From then on {step.attempts.then.words} are left ({step.attempts.says})."
    if step.follows:
        yield f"     It counts only after {step.follows}."
    for rule in step.escalate:
        if rule.share is not None:
            when = "".join(f", if {name} is {' or '.join(sorted(words))}" for name, words in rule.only.items())
            yield f"     The {rule.to_role} looks too when {rule.share} percent of its time have passed{when}."
            continue
        later = f"{rule.span.words} after" if rule.span else "at"
        yield f"     The {rule.to_role} looks too {later} {'its deadline' if rule.after == 'due' else 'it opened'}."


def _only(step: Step) -> str:
    needs = [f"risk is {step.only.tier.value}"] if step.only.tier else []
    needs += [f"{name} is {' or '.join(sorted(values))}" for name, values in step.only.key.items()]
    needs += [f"there is {in_words(step.only.fact)}"] if step.only.fact else []
    return f", only when {' and '.join(needs)}" if needs else ""


def _proof(step: Step) -> str:
    if step.special == "results-settled":
        return "every result that was open at discharge is final, read by a clinician, and told to the patient"
    return in_words(step.done_when)


def _due(due: Due) -> str:
    after = f" after {due.since}" if due.since else ""
    if due.within:
        aim = f", aim {due.target.words}" if due.target else ""
        return f"within {due.within.words}{after}{aim}"
    if due.by_key:
        name, spans = due.by_key
        if due.as_said:
            return f"within its {name}, else {due.otherwise.words if due.otherwise else ''}{after}"
        each = ", ".join(f"{span.words} when {name} is {word}" for word, span in spans.items())
        return f"within {each}, else {due.otherwise.words if due.otherwise else ''}{after}"
    if due.date:
        return f"on the date that is named, else within {due.otherwise.words if due.otherwise else ''}"
    if due.end_of_month:
        return "by the end of the month"
    if due.by_tier:
        return " or ".join(f"within {span.words} when risk is {tier.value}" for tier, span in due.by_tier.items())
    if due.date_of:
        return f"on the date of the {due.date_of} at the latest"
    if due.results:
        return f"{due.results.words} after the result is expected"
    return "before the planned start"
