"""The merchants' file: read whole, or refused with everything that is wrong."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.wechat.paper import (
    APIV3_KEY,
    APPID,
    CERTIFICATE_SERIAL,
    MCHID,
    NOON,
    OLD_APIV3_KEY,
    OTHER_MCHID,
    OWN_SERIAL,
    PUBLIC_KEY_ID,
    PayWorld,
    merchant_toml,
)
from wxbackend.wechat.live import live_gateway
from wxbackend.wechat.merchants import BadMerchants, read_merchants


@pytest.fixture
def file(world: PayWorld, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(world.folder, tmp_path / "merchants")) / "merchants.toml"


def faults_of(file: Path) -> tuple[str, ...]:
    with pytest.raises(BadMerchants) as raised:
        read_merchants(file)
    return raised.value.faults


def test_the_file_becomes_frozen_merchants(world: PayWorld) -> None:
    first, second = read_merchants(world.merchants_file)
    assert (first.mchid, second.mchid) == (MCHID, OTHER_MCHID)
    assert (first.serial_no, first.public_key_id) == (OWN_SERIAL, PUBLIC_KEY_ID)
    assert first.apiv3_keys == (APIV3_KEY, OLD_APIV3_KEY)
    assert set(first.keys) == {PUBLIC_KEY_ID, CERTIFICATE_SERIAL}
    assert first.private_key.private_numbers() == world.own_key.private_numbers()


def test_certificates_and_the_key_before_are_optional(file: Path) -> None:
    text = merchant_toml(MCHID).split("[[merchant.platform_certificate]]")[0]
    file.write_text(text.replace('previous_apiv3_key_file = "apiv3-old.txt"\n', ""))
    (merchant,) = read_merchants(file)
    assert (set(merchant.keys), merchant.apiv3_keys) == ({PUBLIC_KEY_ID}, (APIV3_KEY,))


def test_no_secret_shows_in_a_merchant(world: PayWorld) -> None:
    shown = repr(read_merchants(world.merchants_file))
    assert APIV3_KEY not in shown
    assert "private_key" not in shown


def test_an_old_style_private_key_works(file: Path, world: PayWorld) -> None:
    pkcs1 = world.own_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (file.parent / "own.pem").write_bytes(pkcs1)
    assert len(read_merchants(file)) == 2


def test_all_faults_are_told_together_and_name_no_secret(file: Path) -> None:
    folder = file.parent
    (folder / "own.pem").write_text("-----BEGIN PRIVATE KEY-----\nspoiled-secret\n-----END PRIVATE KEY-----\n")
    (folder / "apiv3.txt").write_text("too-short-secret")
    (folder / "wechat.pem").unlink()
    (folder / "platform.pem").write_text("nothing")
    file.write_text(merchant_toml(MCHID))
    faults = faults_of(file)
    assert [fault.split(": ")[1] for fault in faults] == [
        "private_key_file",
        "apiv3_key_file",
        "public_key_file",
        "platform_certificate",
    ]
    assert "secret" not in " ".join(faults)


def test_faults_of_every_merchant_are_told(file: Path) -> None:
    (file.parent / "own.pem").unlink()
    assert [fault.split(":")[0] for fault in faults_of(file)] == [f"merchant {MCHID}", f"merchant {OTHER_MCHID}"]


def test_wrong_fields_are_told_together(file: Path) -> None:
    file.write_text(
        f"""
[[merchant]]
mchid = 1900000001
serial_no = "xyz"
private_key_file = "own.pem"
apiv3_key_file = "apiv3.txt"
public_key_id = "{CERTIFICATE_SERIAL}"
colour = "green"
"""
    )
    told = faults_of(file)
    assert [fault.split(":")[0] for fault in told] == [
        "merchant.0.mchid",
        "merchant.0.serial_no",
        "merchant.0.public_key_id",
        "merchant.0.public_key_file",
        "merchant.0.colour",
    ]


def test_a_merchant_listed_twice_is_refused(file: Path) -> None:
    file.write_text(merchant_toml(MCHID) * 2)
    assert faults_of(file) == (f"merchant {MCHID}: listed twice",)


@pytest.mark.parametrize("text", ["", "merchant = []", "= ="])
def test_a_file_without_a_merchant_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    assert len(faults_of(file)) == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadMerchants, match=r"absent\.toml"):
        read_merchants(tmp_path / "absent.toml")


def test_a_certificate_with_another_serial_is_refused(file: Path) -> None:
    file.write_text(merchant_toml(MCHID).replace(CERTIFICATE_SERIAL, "4" * 40))
    assert faults_of(file) == (
        f"merchant {MCHID}: platform_certificate: platform.pem is not the RSA certificate {'4' * 40}",
    )


def test_a_key_with_a_password_is_refused(file: Path, world: PayWorld) -> None:
    locked = world.own_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
    (file.parent / "own.pem").write_bytes(locked)
    assert all("private_key_file: cannot be read as PEM" in fault for fault in faults_of(file))


def test_keys_of_another_kind_are_refused(file: Path) -> None:
    key = Ed25519PrivateKey.generate()
    (file.parent / "own.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (file.parent / "wechat.pem").write_bytes(public)
    file.write_text(merchant_toml(MCHID))
    assert faults_of(file) == (
        f"merchant {MCHID}: private_key_file: not an RSA key",
        f"merchant {MCHID}: public_key_file: not an RSA key",
    )


def test_fault_14_it_is_known_when_a_platform_certificate_runs_out(world: PayWorld) -> None:
    merchant = read_merchants(world.merchants_file)[0]
    assert merchant.certificates_until == {CERTIFICATE_SERIAL: NOON + timedelta(days=1800)}
    gateway = live_gateway(appid=APPID, merchants_file=world.merchants_file)
    assert gateway.certificate_expiries() == {
        (mchid, CERTIFICATE_SERIAL): NOON + timedelta(days=1800) for mchid in (MCHID, OTHER_MCHID)
    }
