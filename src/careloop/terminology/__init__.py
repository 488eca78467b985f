"""Codes, value-set membership, translation, UCUM units."""
