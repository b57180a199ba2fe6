"""Codes of the second factor, against the vectors of RFC 6238."""

from datetime import UTC, datetime

import pytest

from wxbackend.staff import totp

RFC_SECRET = totp.new_secret(b"12345678901234567890")


@pytest.mark.parametrize(("second", "code"), [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")])
def test_codes_are_those_of_the_standard(second, code):
    assert totp.matching_step(RFC_SECRET, code=code, now=datetime.fromtimestamp(second, UTC)) == second // 30


@pytest.mark.parametrize(("late_s", "accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_one_step_of_drift_is_forgiven(late_s, accepted):
    now = datetime.fromtimestamp(1111111109 + late_s, UTC)
    found = totp.matching_step(RFC_SECRET, code="081804", now=now)
    assert found == (1111111109 // 30 if accepted else None)


def test_code_in_other_digits_is_refused():
    assert totp.matching_step(RFC_SECRET, code="０８１８０４", now=datetime.fromtimestamp(1111111109, UTC)) is None


def test_setup_address_names_us_and_the_account():
    uri = totp.setup_uri(RFC_SECRET, username="colleague1")
    assert uri.startswith("otpauth://totp/")
    assert "colleague1" in uri
    assert f"secret={RFC_SECRET}" in uri
