"""Decisions about the longitudinal record; values in, values out."""
