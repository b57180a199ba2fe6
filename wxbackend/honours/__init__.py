"""Certificates of pledges (证书): issued, signed, drawn, verified, revoked and superseded."""
