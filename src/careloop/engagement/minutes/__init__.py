"""Minutes as facts, for billing, load and the work above and below a licence."""

from careloop.engagement.minutes.store import Spent, by_activity, for_patients, keep, of_patient, uncount

__all__ = ["Spent", "by_activity", "for_patients", "keep", "of_patient", "uncount"]
