"""Certificates, plates and codes: plain frozen data in, bytes out. No clock, no network, no settings."""
