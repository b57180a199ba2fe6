"""Staff: accounts, sign-in with a second factor, roles by region, and what needs a second person (双人复核)."""
