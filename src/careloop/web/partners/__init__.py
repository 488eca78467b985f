"""Pages for people without an account, opened by a code."""
