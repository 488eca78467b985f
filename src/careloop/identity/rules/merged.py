"""What the `Patient` resources of a merge and of its undoing say."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from careloop.identity.model import Identifier
from careloop.identity.rules.patient import identifiers_of

Resource = dict[str, Any]


def as_prior(prior: Mapping[str, Any], survivor_id: str) -> Resource:
    """The merged-away patient: inactive, replaced by the survivor; everything else stays readable."""
    return {**prior, "active": False, "link": _with_link(prior, survivor_id, "replaced-by")}


def as_survivor(survivor: Mapping[str, Any], prior: Mapping[str, Any]) -> Resource:
    """The survivor with every identifier of the prior patient as an old one, and a link to what it replaces."""
    return with_old_numbers({**survivor, "link": _with_link(survivor, str(prior["id"]), "replaces")}, prior)


def with_old_numbers(survivor: Mapping[str, Any], prior: Mapping[str, Any]) -> Resource:
    """The survivor with every identifier of the prior patient that it lacks, as an old one."""
    own = {(number.system, number.value) for number in identifiers_of(survivor)}
    added = [
        {**entry, "use": "old"}
        for entry in prior.get("identifier") or []
        if (entry.get("system"), entry.get("value")) not in own
    ]
    return {**survivor, "identifier": [*(survivor.get("identifier") or []), *added]} if added else dict(survivor)


def restored(prior: Mapping[str, Any], survivor_id: str, active: bool | None) -> Resource:
    """The prior patient as it stands after the merge was taken back. `active` is what it said before the merge."""
    kept = _without_link(prior, survivor_id, "replaced-by")
    kept.pop("active", None)
    return kept if active is None else {**kept, "active": active}


def released(survivor: Mapping[str, Any], priors: Collection[str], numbers: Collection[tuple[str, str]]) -> Resource:
    """The survivor without the links to these priors and without the old identifiers that came with them."""
    kept: Resource = dict(survivor)
    for prior_id in priors:
        kept = _without_link(kept, prior_id, "replaces")
    identifiers = [
        entry
        for entry in kept.get("identifier") or []
        if entry.get("use") != "old" or (entry.get("system"), entry.get("value")) not in numbers
    ]
    kept.pop("identifier", None)
    return {**kept, "identifier": identifiers} if identifiers else kept


def stub(patient_id: str, numbers: Sequence[Identifier]) -> Resource:
    """A patient of whom nothing is known but the numbers that a merge named."""
    identifiers = [{"system": number.system, "value": number.value} for number in numbers]
    return {"resourceType": "Patient", "id": patient_id, **({"identifier": identifiers} if identifiers else {})}


def _with_link(patient: Mapping[str, Any], other_id: str, kind: str) -> list[Any]:
    entry = {"other": {"reference": f"Patient/{other_id}"}, "type": kind}
    links = list(patient.get("link") or [])
    return links if entry in links else [*links, entry]


def _without_link(patient: Mapping[str, Any], other_id: str, kind: str) -> Resource:
    links = [
        link
        for link in patient.get("link") or []
        if not (link.get("type") == kind and link.get("other", {}).get("reference") == f"Patient/{other_id}")
    ]
    kept = {key: value for key, value in patient.items() if key != "link"}
    return {**kept, "link": links} if links else kept
