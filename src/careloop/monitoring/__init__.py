"""Readings and check-ins from home: what they mean, whom they call, what became of it."""
