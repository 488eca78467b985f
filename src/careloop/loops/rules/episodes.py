"""One episode as reports see it: the chain of stays, readmission flags, emergency revisits, TCM, scores.

TR-50 to TR-59. The two flags differ: observation stays are not readmissions for CMS and are for HEDIS PCR (TR-54).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.loops.facts.model import PatientFacts, Stay
from careloop.loops.model import LoopSettings, Score, Unknown
from careloop.loops.rules.calendar import Calendar, local_date
from careloop.loops.rules.opening import EMERGENCY, INPATIENT, same_site
from careloop.loops.rules.pathways import Pathways
from careloop.loops.rules.planned import listed, planned_return, principal_of
from careloop.loops.rules.scores import scores_of
from careloop.loops.rules.stays import Chain, became, chain_around, chain_of
from careloop.loops.rules.tcm import Tcm, tcm_decision

ACUTE = frozenset({"IMP", "ACUTE"})
WITH_OBSERVATION = ACUTE | {"OBSENC"}
WINDOW_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Episode:
    """What `/api/episodes/{id}` answers. A value that cannot be known is `Unknown`; None means there is nothing."""

    stay: tuple[str, ...]
    index: bool | Unknown
    readmission_cms: bool | Unknown
    readmission_pcr: bool | Unknown
    planned: bool | Unknown | None
    ed_revisit_hours: int | Unknown | None
    tcm: Tcm
    lace: int | Unknown
    hospital: int | Unknown

    def document(self) -> dict[str, Any]:
        """The answer as JSON values."""
        code = {"unknown": self.tcm.unknown} if self.tcm.unknown else self.tcm.code
        return {
            "stay": list(self.stay),
            "index": _shown(self.index),
            "readmission_cms": _shown(self.readmission_cms),
            "readmission_pcr": _shown(self.readmission_pcr),
            "planned": _shown(self.planned),
            "ed_revisit_hours": _shown(self.ed_revisit_hours),
            "tcm": {"code": code, "reasons": list(self.tcm.reasons), "says": [text for text in self.tcm.says if text]},
            "lace": _shown(self.lace),
            "hospital": _shown(self.hospital),
        }


def _shown(value: bool | int | Unknown | None) -> Any:
    return {"unknown": value.reason} if isinstance(value, Unknown) else value


def episode(
    encounter_id: str,
    facts: PatientFacts,
    pathways: Pathways,
    calendar: Calendar,
    settings: LoopSettings,
    now: datetime,
) -> Episode | None:
    """The episode that the stay belongs to, as known at `now`; None when there is no such stay."""
    stay = facts.stay(encounter_id)
    if stay is None or stay.is_void:
        return None
    chain = chain_around(stay, facts, pathways.dispositions)
    index = is_index(chain, facts, pathways)
    cms = first_return(chain, facts, pathways, ACUTE, now)
    pcr = first_return(chain, facts, pathways, WITH_OBSERVATION, now)
    return Episode(
        stay=tuple(part.id for part in (*chain.before, *chain.stays)),
        index=index,
        readmission_cms=_counted(index, chain, cms, facts, pathways),
        readmission_pcr=_counted(index, chain, pcr, facts, pathways),
        planned=None if cms is None else planned_return(chain, cms, facts, pathways),
        ed_revisit_hours=ed_revisit_hours(chain, facts, now),
        tcm=tcm_decision(chain, facts, pathways, calendar, settings, now),
        **_scores(chain, facts, pathways, settings),
    )


def _scores(chain: Chain, facts: PatientFacts, pathways: Pathways, settings: LoopSettings) -> dict[str, int | Unknown]:
    if chain.left is None:
        waiting = Unknown(reason="still in hospital")
        return {"lace": waiting, "hospital": waiting}
    found = {score.model: score for score in scores_of(chain, facts, pathways, settings.hospital_version)}
    return {name: _value(found.get(name)) for name in ("lace", "hospital")}


def _value(score: Score | None) -> int | Unknown:
    if score is None:
        return Unknown(reason="the model is not loaded")
    return score.value if score.value is not None else Unknown(reason=score.unknown or "not computable")


def is_index(chain: Chain, facts: PatientFacts, pathways: Pathways) -> bool | Unknown:
    """TR-50: discharged alive from acute care, not transferred, not against advice, not of an excluded kind."""
    if chain.last.last_class not in WITH_OBSERVATION:
        return False
    left = chain.last.discharge
    if left is None:
        return Unknown(reason="still in hospital")
    if facts.death is not None and facts.death <= left.at:
        return False
    known = pathways.dispositions.get(left.disposition or "")
    if known is None:
        return Unknown(reason="discharge disposition not recorded")
    if known.index == "review":
        return Unknown(reason=f"discharge disposition {known.code} needs review")
    return known.index == "eligible" and chain.last.last_class in ACUTE and not _is_excluded(chain, pathways)


def _is_excluded(chain: Chain, pathways: Pathways) -> bool:
    """Primary psychiatric, rehabilitation: principal diagnoses that are no index stay."""
    table: Mapping[str, Any] = pathways.transitions.get("planned-readmission", {})
    return listed(principal_of(chain), table.get("not_index_diagnoses", {}))


def days_between(left: datetime, back: datetime, zone: str) -> int:
    """TR-51: readmission date minus discharge date, in calendar days where the patient lives."""
    return (local_date(back, zone) - local_date(left, zone)).days


def first_return(
    chain: Chain, facts: PatientFacts, pathways: Pathways, classes: frozenset[str], now: datetime
) -> Chain | None:
    """The first stay of these classes that began within the window; only it can count (TR-53)."""
    left = chain.left
    if left is None:
        return None
    found = [
        (start, stay.id, stay)
        for stay in facts.standing_stays
        if stay.id not in chain.ids and (start := stay.started_as(classes)) is not None and left <= start <= now
        if days_between(left, start, facts.zone) <= WINDOW_DAYS
    ]
    if not found:
        return None
    return chain_of(min(found)[2], facts, pathways.dispositions)


def _counted(
    index: bool | Unknown, chain: Chain, back: Chain | None, facts: PatientFacts, pathways: Pathways
) -> bool | Unknown:
    if isinstance(index, Unknown):
        return index if back is not None else False
    if not index or back is None:
        return False
    return planned_return(chain, back, facts, pathways) is not True


def ed_revisit_hours(chain: Chain, facts: PatientFacts, now: datetime) -> int | None:
    """TR-58: hours to the first emergency visit within 30 days that did not end in admission at the same site."""
    left = chain.left
    if left is None:
        return None
    limit = min(left + timedelta(days=WINDOW_DAYS), now)
    starts = [
        stay.start
        for stay in facts.standing_stays
        if stay.id not in chain.ids and stay.last_class in EMERGENCY and not _became_stay(stay, facts)
        if stay.start is not None and left <= stay.start <= limit
    ]
    return int((min(starts) - left) / timedelta(hours=1)) if starts else None


def _became_stay(visit: Stay, facts: PatientFacts) -> bool:
    return any(
        became(visit, start) and same_site(visit, other)
        for other in facts.standing_stays
        if other.id != visit.id and (start := other.started_as(INPATIENT)) is not None
    )
