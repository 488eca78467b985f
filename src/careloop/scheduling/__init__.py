"""The diary of staff and visits: who can be booked when, who waits, which way the day goes."""
