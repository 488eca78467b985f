"""Which change is told to whom of the staff, by which way, and what became of what nobody opened."""
