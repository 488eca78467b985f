"""Careloop: care coordination in which every gap is a loop."""
