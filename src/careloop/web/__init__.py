"""Pages for staff. Reads clock, cookies and forms, calls a flow, draws what came back; nothing else."""
