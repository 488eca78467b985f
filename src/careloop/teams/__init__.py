"""Who cares for whom: people's fitness and absences, care team membership, the lead of each patient."""
