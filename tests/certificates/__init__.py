"""Tests of the drawing package: no application, no database."""
