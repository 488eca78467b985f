"""Reconciliation, interactions, adherence."""
