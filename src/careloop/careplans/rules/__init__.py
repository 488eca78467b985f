"""Decisions of care planning: values in, values out."""
