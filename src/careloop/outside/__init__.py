"""The one way out: requests to addresses that an administrator has allowed, and to no others."""

from careloop.outside.fetching import AllowList, Answer, NotAllowed, fetch

__all__ = ["AllowList", "Answer", "NotAllowed", "fetch"]
