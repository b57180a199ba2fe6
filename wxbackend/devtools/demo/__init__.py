"""Demo data and the demo journey. Every person in it is invented; production refuses to load it."""
