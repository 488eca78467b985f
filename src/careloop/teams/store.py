"""The area's tables. Every write is part of the caller's transaction; people are bare ids of practitioners."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries
from careloop.teams.model import (
    Absence,
    Competency,
    Digest,
    HandOver,
    Item,
    Lead,
    LeadOffer,
    Member,
    Profile,
    StateLicence,
)

_SQL = load_queries("careloop.teams")


def save_profile(tx: Transaction, profile: Profile) -> None:
    """The profile stands, and the person's seats with it."""
    licences = [
        {"states": one.states, "first": one.first, "last": one.last, "name": one.name} for one in profile.licences
    ]
    tx.execute(
        _SQL["save_profile"],
        {
            "practitioner": profile.practitioner,
            "languages": list(profile.languages),
            "states": list(profile.states),
            "licences": _json(licences),
            "working": _json({str(day): minutes for day, minutes in profile.working.items()}),
        },
    )


def profiles(tx: Transaction, people: Sequence[str]) -> dict[str, Profile]:
    """By person; without those of whom the record says nothing."""
    rows = tx.rows(_SQL["profiles"], {"practitioners": list(people)}) if people else []
    return {row["practitioner"]: _profile(row) for row in rows}


def seats(
    tx: Transaction, roles: Sequence[str], qualities: Sequence[str], *, spin: int, few: int, now: datetime
) -> list[str]:
    """Some present holders of each role with its quality `STATE|language`, at most `few` of each, from `spin` on."""
    rows = tx.rows(
        _SQL["seats"], {"roles": list(roles), "qualities": list(qualities), "spin": spin, "few": few, "now": now}
    )
    return sorted({row["practitioner"] for row in rows})


def add_absence(tx: Transaction, absence: Absence) -> None:
    """The absence is noted."""
    tx.execute(_SQL["add_absence"], vars(absence))


def absences_now(tx: Transaction, people: Sequence[str], now: datetime) -> dict[str, Absence]:
    """Who of these is away at that moment; of several absences the one that ends last."""
    rows = tx.rows(_SQL["absences_now"], {"practitioners": list(people), "now": now}) if people else []
    found: dict[str, Absence] = {}
    for row in rows:
        found.setdefault(row["practitioner"], Absence(**row))
    return found


def absences_ahead(tx: Transaction) -> list[Absence]:
    """All that are not over."""
    return [Absence(**row) for row in tx.rows(_SQL["absences_ahead"])]


def find_absence(tx: Transaction, absence_id: str) -> Absence | None:
    """One by id."""
    row = tx.one(_SQL["absence"], {"id": absence_id})
    return None if row is None else Absence(**row)


def absences_covered_by(tx: Transaction, person: str) -> list[Absence]:
    """Absences that this person covers and that are not over."""
    return [Absence(**row) for row in tx.rows(_SQL["absences_covered_by"], {"cover": person})]


def overlapping_absences(tx: Transaction, people: Sequence[str], starts: datetime, ends: datetime) -> list[Absence]:
    """Absences of these people that share some time with that stretch."""
    rows = tx.rows(_SQL["overlapping_absences"], {"practitioners": list(people), "starts": starts, "ends": ends})
    return [Absence(**row) for row in rows]


def absences_to_begin(tx: Transaction, now: datetime) -> list[Absence]:
    """Those whose time has come."""
    return [Absence(**row) for row in tx.rows(_SQL["absences_to_begin"], {"now": now})]


def absences_to_end(tx: Transaction, now: datetime) -> list[Absence]:
    """Those whose person is back."""
    return [Absence(**row) for row in tx.rows(_SQL["absences_to_end"], {"now": now})]


def begin_absence(tx: Transaction, absence_id: str, at: datetime) -> None:
    """Its work has moved."""
    tx.execute(_SQL["begin_absence"], {"id": absence_id, "at": at})


def end_absence(tx: Transaction, absence_id: str, at: datetime) -> None:
    """The person is back."""
    tx.execute(_SQL["end_absence"], {"id": absence_id, "at": at})


def call_off_absence(tx: Transaction, absence_id: str, at: datetime) -> bool:
    """It will not be; False where it has begun."""
    return tx.execute(_SQL["call_off_absence"], {"id": absence_id, "at": at}) == 1


def pass_covers(tx: Transaction, *, from_: str, to: str | None) -> None:
    """Nobody relies on `from_` as a cover any more; `to` covers, but for their own absence."""
    if to is not None:
        tx.execute(_SQL["change_cover"], {"from": from_, "to": to})
    tx.execute(_SQL["drop_cover"], {"from": from_})


def end_absences_of(tx: Transaction, person: str, at: datetime) -> None:
    """No absence of this person is awaited any more."""
    tx.execute(_SQL["end_absences_of"], {"practitioner": person, "at": at})


def save_competency(tx: Transaction, competency: Competency, now: datetime) -> None:
    """It is on record."""
    tx.execute(_SQL["save_competency"], {**vars(competency), "noted": now})


def competencies(tx: Transaction, people: Sequence[str]) -> dict[str, dict[str, date]]:
    """By person and kind, the date through which it is valid."""
    found: dict[str, dict[str, date]] = {}
    for row in tx.rows(_SQL["competencies"], {"practitioners": list(people)}) if people else []:
        found.setdefault(row["practitioner"], {})[row["kind"]] = row["valid_through"]
    return found


def competency_kinds(tx: Transaction) -> frozenset[str]:
    """Kinds that this practice records for somebody."""
    return frozenset(row["kind"] for row in tx.rows(_SQL["competency_kinds"]))


def replace_members(tx: Transaction, teams: Sequence[str], members: Iterable[Member]) -> list[Member]:
    """These teams have these members now. Answers with those who were in them before."""
    before = [Member(**row) for row in tx.rows(_SQL["remove_members"], {"teams": list(teams)})]
    rows = [vars(member) for member in members]
    if rows:
        tx.execute(_SQL["add_members"], {"rows": _json(rows)})
    return before


def members(tx: Transaction, patients: Sequence[str]) -> list[Member]:
    """Who is in the teams of these patients."""
    return [Member(**row) for row in tx.rows(_SQL["members"], {"patients": list(patients)})]


def memberships_over(tx: Transaction, now: datetime, most: int) -> list[Member]:
    """Memberships whose end has come."""
    return [Member(**row) for row in tx.rows(_SQL["memberships_over"], {"now": now, "most": most})]


def drop_members_over(tx: Transaction, patients: Sequence[str], now: datetime) -> None:
    """What has ended for these patients stands no more."""
    tx.execute(_SQL["drop_members_over"], {"patients": list(patients), "now": now})


def teams_of_member(tx: Transaction, person: str) -> list[tuple[str, str]]:
    """(team id, patient id) of each CareTeam that names this person."""
    rows = tx.rows(_SQL["patients_of_member"], {"practitioner": person})
    return [(row["team_id"], row["patient_id"]) for row in rows]


def leads(tx: Transaction, patients: Sequence[str]) -> dict[str, str]:
    """The lead of each of these patients now, as a reference; without those who have none yet."""
    rows = tx.rows(_SQL["leads"], {"patients": list(patients)}) if patients else []
    return {row["patient_id"]: row["lead"] for row in rows}


def lead_history(tx: Transaction, patient_id: str) -> list[Lead]:
    """Everybody who led, the last first."""
    return [Lead(**row) for row in tx.rows(_SQL["lead_history"], {"patient_id": patient_id})]


def lead_at(tx: Transaction, patient_id: str, at: datetime) -> Lead | None:
    """Who led at that moment; None before the first."""
    row = tx.one(_SQL["lead_at"], {"patient_id": patient_id, "at": at})
    return None if row is None else Lead(**row)


def first_leads(tx: Transaction, chosen: Mapping[str, str], *, at: datetime, by: str, why: str) -> None:
    """Patients whom nobody leads are led by these, by patient."""
    rows = [
        {"patient_id": patient, "lead": lead, "led_from": at, "by": by, "why": why} for patient, lead in chosen.items()
    ]
    if rows:
        tx.execute(_SQL["first_leads"], {"rows": _json(rows)})


def change_lead(tx: Transaction, patient_id: str, lead: str, *, at: datetime, by: str, why: str) -> None:
    """From now on somebody else leads; without a gap."""
    row = {"patient_id": patient_id, "lead": lead, "at": at, "by": by, "why": why}
    tx.execute(_SQL["end_lead"], row)
    tx.execute(_SQL["begin_lead"], row)


def join_lead(tx: Transaction, prior: str, survivor: str, *, at: datetime, by: str, why: str) -> None:
    """Two patients are one: one of them is led, by the survivor's lead if there is one; offers about the prior's lead
    are withdrawn."""
    tx.execute(_SQL["withdraw_offers_about"], {"patient_id": prior, "by": by, "why": why, "at": at})
    tx.execute(_SQL["join_lead"], {"prior": prior, "survivor": survivor, "at": at, "by": by, "why": why})


def part_lead(tx: Transaction, prior: str, survivor: str, *, by: str, why: str) -> None:
    """They are two again: the survivor's lead leads the prior as well, until another takes over."""
    tx.execute(_SQL["part_lead"], {"prior": prior, "survivor": survivor, "by": by, "why": why})


def led_by(tx: Transaction, lead: str) -> list[str]:
    """Patients whom this reference leads now."""
    return [row["patient_id"] for row in tx.rows(_SQL["led_by"], {"lead": lead})]


def count_led(tx: Transaction) -> dict[str, int]:
    """How many patients each lead has."""
    return {row["lead"]: int(row["patients"]) for row in tx.rows(_SQL["count_led"])}


def add_offer(tx: Transaction, offer: LeadOffer) -> None:
    """The offer stands; only one may stand for a patient."""
    tx.execute(_SQL["add_offer"], vars(offer))


def open_offer(tx: Transaction, patient_id: str) -> LeadOffer | None:
    """The one that waits for an answer."""
    row = tx.one(_SQL["open_offer"], {"patient_id": patient_id})
    return None if row is None else LeadOffer(**row)


def open_offers(tx: Transaction, most: int = 500) -> list[LeadOffer]:
    """All that wait, the oldest first."""
    return [LeadOffer(**row) for row in tx.rows(_SQL["open_offers"], {"most": most})]


def answer_offer(tx: Transaction, offer_id: str, answer: str, *, by: str, why: str | None, at: datetime) -> None:
    """The offer is answered."""
    tx.execute(_SQL["answer_offer"], {"id": offer_id, "answer": answer, "by": by, "why": why, "at": at})


def withdraw_offers(tx: Transaction, who: str, *, by: str, why: str, at: datetime) -> int:
    """No offer to or from this person waits any more; how many did."""
    return tx.execute(_SQL["withdraw_offers"], {"who": who, "by": by, "why": why, "at": at})


def pass_contradictions(tx: Transaction, owners: Mapping[str, str]) -> None:
    """Contradictions among these Tasks have these owners, as their Tasks say."""
    rows = [{"id": task, "owner": owner} for task, owner in owners.items()]
    tx.execute(_SQL["pass_contradictions"], {"rows": _json(rows)})


def looks(tx: Transaction, most: int) -> list[str]:
    """Patients whose need may have changed; they are off the list now."""
    return [row["patient_id"] for row in tx.rows(_SQL["looks"], {"most": most})]


def known_facts(tx: Transaction, patients: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What was known of these patients when rules last asked."""
    return {row["patient_id"]: row["facts"] for row in tx.rows(_SQL["known_facts"], {"patients": list(patients)})}


def save_facts(tx: Transaction, patient_id: str, facts: Mapping[str, Any], at: datetime) -> None:
    """Rules have asked with these facts."""
    tx.execute(_SQL["save_facts"], {"patient_id": patient_id, "facts": _json(facts), "at": at})


def _profile(row: Row) -> Profile:
    return Profile(
        practitioner=row["practitioner"],
        languages=tuple(row["languages"]),
        licences=tuple(msgspec.convert(row["licences"], list[StateLicence])),
        working={int(day): minutes for day, minutes in row["working"].items()},
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def competencies_ending(tx: Transaction, before: date) -> list[Row]:
    """practitioner, kind, valid_through of what ends before that day, the first first."""
    return tx.rows(_SQL["competencies_ending"], {"before": before})


def add_hand_over(tx: Transaction, given: HandOver, offers: Mapping[str, str]) -> None:
    """The hand-over stands with its items; `offers` are the ids of their offers, by loop."""
    row = {name: getattr(given, name) for name in ("id", "giver", "taker", "note", "made", "since")}
    tx.execute(_SQL["add_hand_over"], row)
    items = [
        {
            "hand_over_id": given.id,
            "loop_id": item.loop_id,
            "offer_id": offers[item.loop_id],
            "position": position,
            "told": item.told,
        }
        for position, item in enumerate(given.items)
    ]
    tx.execute(_SQL["add_items"], {"rows": _json(items)})


def last_hand_over(tx: Transaction, giver: str, taker: str) -> datetime | None:
    """When this giver last handed over to this taker."""
    found: datetime | None = tx.value(_SQL["last_hand_over"], {"giver": giver, "taker": taker})
    return found


def hand_overs_of(tx: Transaction, who: str, since: datetime) -> list[HandOver]:
    """To or from somebody: those with something to answer, and those made since then; the last first."""
    rows = tx.rows(_SQL["hand_overs_of"], {"who": who, "since": since})
    return [HandOver(**{**row, "items": tuple(Item(**item) for item in row["items"])}) for row in rows]


def add_digest(tx: Transaction, day: date, lines: Sequence[Mapping[str, Any]], made: datetime) -> bool:
    """The digest of that day stands; False where there was one, which stays as it was."""
    return tx.execute(_SQL["add_digest"], {"day": day, "lines": _json(lines), "made": made}) == 1


def digest(tx: Transaction, day: date) -> Digest | None:
    """The last one up to that day."""
    row = tx.one(_SQL["digest"], {"day": day})
    return None if row is None else Digest(**row)


def digest_days(tx: Transaction) -> list[date]:
    """Days that have one, the last first, at most 30."""
    return [row["day"] for row in tx.rows(_SQL["digest_days"])]
