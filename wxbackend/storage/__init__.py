"""Adapters that keep files, behind ``core.ports.Storage``."""
