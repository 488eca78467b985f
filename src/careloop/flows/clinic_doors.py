"""Which clinics take our messages. To all others nothing leaves by itself: a person prints, calls, faxes or mails."""

from careloop.db import Transaction
from careloop.flows import outbound_feeds
from careloop.flows.app import App
from careloop.loops.rules.referrals.story import Story

FEED = "urn:careloop:outbound-feed"
"""Identifier system of a clinic that takes our messages: the name of the outbound feed."""


def feed_of(app: App, tx: Transaction, story: Story) -> str:
    """The name of the enabled feed by which this clinic takes our referrals; empty where it takes none."""
    found = app.record.fetch(tx, [story.clinic]) if "/" in story.clinic else {}
    names = {
        str(one.get("value", ""))
        for stored in found.values()
        for one in stored.resource.get("identifier", ())
        if one.get("system") == FEED
    }
    if not names:
        return ""
    return next((feed.name for feed in outbound_feeds.enabled(tx) if feed.name in names and "ref" in feed.messages), "")


def sent_words(app: App, tx: Transaction, story: Story) -> str:
    """What became of a referral that was sent: it is under way, or a person has to carry it."""
    name = story.clinic_name or "the clinic"
    if feed_of(app, tx, story):
        return f"Sent to {name}."
    return f"Sent to {name} on your word: nothing leaves from here by itself. Print the sheet and fax or mail it."
