"""Residents: sign-in, sessions, profile, consents, and what the law lets a person ask for (PIPL)."""
