"""Who is this? Numbers that name a person, people who are alike, the review queue, merges."""

from careloop.identity.model import Address, Candidate, Demographics, Identifier, Reason, Resolution, Scored, pair
from careloop.identity.noting import (
    Asked,
    Noted,
    ask_about,
    begin_noting,
    forget_patients,
    match,
    note_patient,
    note_patients,
)
from careloop.identity.resolving import resolve, resolve_all
from careloop.identity.rules import demographics_of, identifiers_of
from careloop.identity.store import open_matches as ask
from careloop.identity.store import survivor_of

__all__ = [
    "Address",
    "Asked",
    "Candidate",
    "Demographics",
    "Identifier",
    "Noted",
    "Reason",
    "Resolution",
    "Scored",
    "ask",
    "ask_about",
    "begin_noting",
    "demographics_of",
    "forget_patients",
    "identifiers_of",
    "match",
    "note_patient",
    "note_patients",
    "pair",
    "resolve",
    "resolve_all",
    "survivor_of",
]
