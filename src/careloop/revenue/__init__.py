"""Time ledger, eligibility, billing rules, claim lines."""
