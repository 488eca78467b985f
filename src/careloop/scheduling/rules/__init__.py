"""Pure decisions of the diary: who can be booked when, who needs it most, which way the day goes, what a feed tells."""
