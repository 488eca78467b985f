"""Bytes become facts: parsers, the inbox, stays as folds over events."""

from careloop.intake.adt import AdtMessage, Person, Visit, require_identifiers, understand
from careloop.intake.checks import check
from careloop.intake.datatypes import uri_part
from careloop.intake.encounters import encounter, merged_extensions
from careloop.intake.facts import of_patient, renamed
from careloop.intake.hl7v2 import read, split_file
from careloop.intake.mapping import Mappings, load_mappings
from careloop.intake.model import Checked, Effect, Feed, InboxItem, InboxStatus, Receipt, StayEvent
from careloop.intake.people import CONTACT_CHECKED, is_checked, joined_patient, joined_resource
from careloop.intake.resources import clinical, diagnoses, provenance, relatives
from careloop.intake.stays import AHEAD, Stay, fold
from careloop.intake.store import (
    Claimed,
    Done,
    NewStayEvent,
    add_feed,
    add_stay_events,
    claim,
    finish,
    get_feed,
    get_for_processing,
    list_feeds,
    mark_unmatched,
    put_told,
    rows_of_stay,
    stay_events,
    told,
    unsettled_stays,
    with_people,
)

__all__ = [
    "AHEAD",
    "CONTACT_CHECKED",
    "AdtMessage",
    "Checked",
    "Claimed",
    "Done",
    "Effect",
    "Feed",
    "InboxItem",
    "InboxStatus",
    "Mappings",
    "NewStayEvent",
    "Person",
    "Receipt",
    "Stay",
    "StayEvent",
    "Visit",
    "add_feed",
    "add_stay_events",
    "check",
    "claim",
    "clinical",
    "diagnoses",
    "encounter",
    "finish",
    "fold",
    "get_feed",
    "get_for_processing",
    "is_checked",
    "joined_patient",
    "joined_resource",
    "list_feeds",
    "load_mappings",
    "mark_unmatched",
    "merged_extensions",
    "of_patient",
    "provenance",
    "put_told",
    "read",
    "relatives",
    "renamed",
    "require_identifiers",
    "rows_of_stay",
    "split_file",
    "stay_events",
    "told",
    "understand",
    "unsettled_stays",
    "uri_part",
    "with_people",
]
