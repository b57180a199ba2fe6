"""Consistent copies of database and storage, and the proof that a copy can be restored (``flask backup``)."""
