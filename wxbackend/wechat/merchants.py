"""The merchants' file: who receives money, and the keys. Every fault is reported at once, and no secret with it."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import Certificate, load_pem_x509_certificate
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

APIV3_KEY_BYTES = 32
UNREADABLE = (OSError, ValueError, TypeError, UnsupportedAlgorithm)

Serial = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8,64}$", to_upper=True)]


class BadMerchants(ValueError):
    """``faults`` lists everything that is wrong with the file."""

    def __init__(self, path: Path, faults: Sequence[str]) -> None:
        super().__init__(f"{path}: " + "; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Merchant:
    """``keys`` are WeChat Pay's own, by public key id or certificate serial: all of them verify.

    ``certificates_until`` says by serial when platform certificates run out; a public key does not.
    ``apiv3_keys`` is the current one first, then the one before it while a change is under way.
    """

    mchid: str
    serial_no: str
    private_key: RSAPrivateKey = field(repr=False)
    apiv3_keys: tuple[str, ...] = field(repr=False)
    public_key_id: str
    keys: Mapping[str, RSAPublicKey] = field(repr=False)
    certificates_until: Mapping[str, datetime]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CertificateRow(_Row):
    serial: Serial
    file: str


class MerchantRow(_Row):
    mchid: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,32}$")]
    serial_no: Serial
    private_key_file: str
    apiv3_key_file: str
    previous_apiv3_key_file: str | None = None
    public_key_id: Annotated[str, StringConstraints(pattern=r"^PUB_KEY_ID_[0-9A-Za-z]{1,64}$")]
    public_key_file: str
    platform_certificate: list[CertificateRow] = []


class MerchantsFile(_Row):
    merchant: list[MerchantRow]


def read_merchants(path: Path) -> tuple[Merchant, ...]:
    """Files named in it are relative to it. Raises ``BadMerchants``."""
    rows = _rows(path)
    faults = _repeated(rows)
    found = [_Reader(path.parent, f"merchant {row.mchid}", faults).merchant(row) for row in rows]
    if faults:
        raise BadMerchants(path, faults)
    return tuple(merchant for merchant in found if merchant is not None)


def _rows(path: Path) -> Sequence[MerchantRow]:
    try:
        rows = MerchantsFile.model_validate(tomllib.loads(path.read_text("utf-8"))).merchant
    except ValidationError as error:  # before ValueError, which it is
        raise BadMerchants(path, [_fault(part["loc"], part["msg"]) for part in error.errors()]) from None
    except (OSError, ValueError) as error:
        raise BadMerchants(path, [f"cannot be read: {error}"]) from None
    if not rows:
        raise BadMerchants(path, ["no merchant in it"])
    return rows


def _fault(place: Sequence[str | int], message: str) -> str:
    return ".".join(str(part) for part in place) + f": {message}"


def _repeated(rows: Sequence[MerchantRow]) -> list[str]:
    numbers = [row.mchid for row in rows]
    return [f"merchant {number}: listed twice" for number in dict.fromkeys(numbers) if numbers.count(number) > 1]


class _Reader:
    """Reads the files of one merchant; a fault is noted and the reading goes on."""

    def __init__(self, folder: Path, name: str, faults: list[str]) -> None:
        self._folder = folder
        self._name = name
        self._faults = faults

    def merchant(self, row: MerchantRow) -> Merchant | None:
        private_key = self._private_key(row.private_key_file)
        apiv3_keys = self._apiv3_keys(row)
        keys = {row.public_key_id: self._public_key(row.public_key_file)}
        certificates = {one.serial: self._certificate(one) for one in row.platform_certificate}
        keys |= {serial: _rsa_key(one) for serial, one in certificates.items()}
        usable = {serial: key for serial, key in keys.items() if key is not None}
        if private_key is None or not apiv3_keys or len(usable) < len(keys):
            return None
        return Merchant(
            mchid=row.mchid,
            serial_no=row.serial_no,
            private_key=private_key,
            apiv3_keys=apiv3_keys,
            public_key_id=row.public_key_id,
            keys=MappingProxyType(usable),
            certificates_until=MappingProxyType(
                {serial: one.not_valid_after_utc for serial, one in certificates.items() if one is not None}
            ),
        )

    def _note(self, field_name: str, what: str) -> None:
        self._faults.append(f"{self._name}: {field_name}: {what}")

    def _bytes(self, file: str) -> bytes:
        return (self._folder / file).read_bytes()

    def _private_key(self, file: str) -> RSAPrivateKey | None:
        try:
            key = load_pem_private_key(self._bytes(file), password=None)
        except UNREADABLE as error:
            self._note("private_key_file", _why(error))
            return None
        if isinstance(key, RSAPrivateKey):
            return key
        self._note("private_key_file", "not an RSA key")
        return None

    def _public_key(self, file: str) -> RSAPublicKey | None:
        try:
            key = load_pem_public_key(self._bytes(file))
        except UNREADABLE as error:
            self._note("public_key_file", _why(error))
            return None
        if isinstance(key, RSAPublicKey):
            return key
        self._note("public_key_file", "not an RSA key")
        return None

    def _certificate(self, row: CertificateRow) -> Certificate | None:
        try:
            certificate = load_pem_x509_certificate(self._bytes(row.file))
        except UNREADABLE as error:
            self._note("platform_certificate", _why(error))
            return None
        if _rsa_key(certificate) is not None and certificate.serial_number == int(row.serial, 16):
            return certificate
        self._note("platform_certificate", f"{row.file} is not the RSA certificate {row.serial}")
        return None

    def _apiv3_keys(self, row: MerchantRow) -> tuple[str, ...]:
        named = {"apiv3_key_file": row.apiv3_key_file, "previous_apiv3_key_file": row.previous_apiv3_key_file}
        read = [self._apiv3_key(name, file) for name, file in named.items() if file is not None]
        return tuple(key for key in read if key is not None)

    def _apiv3_key(self, field_name: str, file: str) -> str | None:
        try:
            key = self._bytes(file).strip()
        except OSError as error:
            self._note(field_name, _why(error))
            return None
        if len(key) == APIV3_KEY_BYTES and key.isascii():
            return key.decode("ascii")
        self._note(field_name, f"must be {APIV3_KEY_BYTES} ASCII characters")
        return None


def _rsa_key(certificate: Certificate | None) -> RSAPublicKey | None:
    key = certificate.public_key() if certificate else None
    return key if isinstance(key, RSAPublicKey) else None


def _why(error: Exception) -> str:
    """Texts of the cryptography package may quote what they read, so only files are named by their error."""
    return str(error) if isinstance(error, OSError) else f"cannot be read as PEM ({type(error).__name__})"
