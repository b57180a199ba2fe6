"""The independent auditor (``flask audit``): recomputes everything with SQL of its own, changes nothing."""
