"""Who wants to know of which changes, and what is told."""

from careloop.subscriptions.matching import Entries
from careloop.subscriptions.model import EVERY_TYPE, Change, Event, Served, Topic, Trigger, Version, Wanted
from careloop.subscriptions.reading import fingerprint_of, read_subscription
from careloop.subscriptions.rules import Seen, fires, is_wanted
from careloop.subscriptions.topics import read_topics, read_trigger

__all__ = [
    "EVERY_TYPE",
    "Change",
    "Entries",
    "Event",
    "Seen",
    "Served",
    "Topic",
    "Trigger",
    "Version",
    "Wanted",
    "fingerprint_of",
    "fires",
    "is_wanted",
    "read_subscription",
    "read_topics",
    "read_trigger",
]
