"""Operational and regulatory reports."""
