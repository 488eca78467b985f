"""Measurements of the whole product, each with a limit that is measured in the same run."""
