"""Needs, community organisations, referrals and their outcome."""
