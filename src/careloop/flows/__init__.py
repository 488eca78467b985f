"""Journeys: the only place where areas are joined and a transaction is opened."""
