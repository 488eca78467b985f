"""Medicine lists of several sources side by side: what is the same, what differs, what a person decided."""
