"""Which facts of a load may still matter to a loop."""

import pytest

from careloop.flows.bulk import is_recent

SINCE = "2026-10-22"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            {"resourceType": "Encounter", "status": "finished", "period": {"start": "2010-01-01", "end": "2010-01-02"}},
            False,
        ),
        (
            {
                "resourceType": "Encounter",
                "status": "finished",
                "period": {"start": "2026-10-01", "end": "2026-10-22T01:00:00Z"},
            },
            True,
        ),
        ({"resourceType": "Encounter", "status": "finished", "period": {"end": "2026-10-21T23:00:00Z"}}, False),
        ({"resourceType": "Encounter", "status": "in-progress", "period": {"start": "2010-01-01"}}, True),
        ({"resourceType": "Communication", "status": "completed", "sent": "2026-11-01"}, True),
        ({"resourceType": "Communication", "status": "completed", "sent": "2016-11-01"}, False),
        ({"resourceType": "ImagingStudy", "started": "2026-11-01"}, False),
        (None, True),
    ],
)
def test_only_what_is_recent_or_goes_on_is_reviewed(resource, expected):
    assert is_recent(resource, SINCE) is expected
