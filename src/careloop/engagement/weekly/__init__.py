"""The weekly half-page: on which day its link is sent, and what was sent."""

from careloop.engagement.weekly.store import DEFAULT, chosen, claim, save

__all__ = ["DEFAULT", "chosen", "claim", "save"]
