"""Questionnaire answers become scores, bands and Observations."""
