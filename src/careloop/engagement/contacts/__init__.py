"""One contact budget for each patient: what was sent, what may be sent now, which hour is a good one."""
