"""Measures, risk, registries and gaps; reads the record."""
