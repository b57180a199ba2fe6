"""All configuration, read once from the environment (or ``.env``) into one frozen object."""

import base64
import binascii
import ipaddress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]
DEVELOPMENT_SECRET = "development-only-secret-development-only"  # noqa: S105
EXAMPLE_APPID = "wx0123456789abcdef"
#: Last parts of host names that never lead anywhere (RFC 2606): nobody prints them on a plate by mistake.
RESERVED_NAMES = frozenset({"localhost", "example", "test", "invalid", "local", "internal"})
KEY_BYTES = 32
PUSH_KEY_LENGTH = 43
SECRET_LENGTH = 32
TOKEN_LENGTH = 16
WECHAT_DOMAIN = "weixin.qq.com"
#: A longer host makes a larger code of smaller squares: harder to read from a weathered plate.
CODE_HOST_LENGTH = 10


class AppEnv(StrEnum):
    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class BadSettings(Exception):
    """The environment lacks or garbles settings; the message names every one of them."""


class KeyRing(dict[str, bytes]):
    """Keys by id, in the order of the setting; never shown."""

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self)})"


def _parse_key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key must have {KEY_BYTES} bytes, not {len(key)}")
    return key


def _parse_ring(text: object) -> KeyRing:
    """``id:base64,id:base64`` → ``KeyRing``; the first is current."""
    if isinstance(text, KeyRing):
        return text
    pairs = [part.strip().partition(":") for part in str(text).split(",") if part.strip()]
    try:
        ring = KeyRing({key_id: _parse_key(data) for key_id, _, data in pairs})
    except binascii.Error as error:
        raise ValueError("must be id:base64 pairs") from error
    if not ring or len(ring) != len(pairs) or "" in ring:
        raise ValueError("must be id:base64 pairs with distinct ids")
    return ring


Ring = Annotated[KeyRing, NoDecode, BeforeValidator(_parse_ring)]


def _check_folder_url(url: str) -> str:
    """``file:`` with two slashes would make a host of the first folder, and lose it."""
    parts = urlsplit(url)
    if not url.startswith("file:///") or parts.path == "/" or parts.query or parts.fragment:
        raise ValueError("must be file:// and the absolute path of a folder, such as file:///var/lib/xiangshu/files")
    return url


FolderUrl = Annotated[str, AfterValidator(_check_folder_url)]


#: A page of the mini-program as WeChat wants it: no slash before it, nothing after it.
PagePath = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-]+(/[0-9A-Za-z_\-]+)*$", max_length=128)]


def _development_ring(letter: str) -> KeyRing:
    return KeyRing({"dev": letter.encode() * KEY_BYTES})


class Settings(BaseSettings):
    """The names are those of the environment, in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    app_env: AppEnv = AppEnv.DEVELOPMENT
    flask_debug: bool = False
    #: Database addresses carry passwords: they are not shown.
    database_url: Annotated[str, Field(repr=False)] = f"sqlite:///{ROOT / 'var' / 'xiangshu.db'}"
    migration_database_url: Annotated[str | None, Field(repr=False)] = None
    redis_url: SecretStr | None = None
    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    field_keys: Ring = _development_ring("f")
    code_keys: Ring = _development_ring("c")
    index_key: SecretStr = SecretStr(base64.b64encode(b"i" * KEY_BYTES).decode())
    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = 0
    open_docs: bool = False
    metrics_token: SecretStr | None = None
    cert_key_file: Path | None = None
    cert_font_dir: Path | None = None
    public_base_url: str = "http://127.0.0.1:8000"
    code_base_url: str = "https://t.example"
    storage_url: FolderUrl = f"file://{ROOT / 'var' / 'storage'}"
    wx_appid: str = EXAMPLE_APPID
    wx_appsecret: SecretStr = SecretStr("")
    wx_api_base: str = "https://api.weixin.qq.com"
    wxpay_api_base: str = "https://api.mch.weixin.qq.com"
    wxpay_merchants_file: Path | None = None
    wx_push_token: SecretStr | None = None
    wx_push_aes_key: SecretStr | None = None
    wx_templates_file: Path | None = None
    wx_tree_page: PagePath = "pages/tree/index"
    session_days: Annotated[int, Field(ge=1, le=365)] = 30
    log_json: bool = True
    rate_limits: bool = True

    @classmethod
    def from_env(cls, **given: Any) -> Self:
        """Read the environment; report everything wrong at once and refuse to start."""
        try:
            return cls(**given)
        except ValidationError as error:
            raise BadSettings("; ".join([*_faults(error), *cls._further_faults(error, given)])) from None

    @classmethod
    def from_env_or_exit(cls, *, stated: bool = False) -> Self:
        """For entry points: one line, no traceback. With ``stated``, the default of APP_ENV is no answer."""
        try:
            settings = cls.from_env()
        except BadSettings as error:
            raise SystemExit(f"设置有误: {error}") from None
        if stated and not settings.app_env_is_stated:
            raise SystemExit("设置有误: APP_ENV is missing: say production, development or test")
        return settings

    @classmethod
    def _further_faults(cls, error: ValidationError, given: dict[str, Any]) -> list[str]:
        """What the checks of the whole would have said, had the garbled fields been readable."""
        garbled = {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}
        if not garbled:
            return []
        try:
            cls(
                **{**given, **{name: cls.model_fields[name].get_default(call_default_factory=True) for name in garbled}}
            )
        except ValidationError as more:
            told = tuple(name.upper() for name in garbled)
            return [fault for faults in _faults(more) for fault in faults.split("; ") if not fault.startswith(told)]
        return []

    @property
    def is_production(self) -> bool:
        return self.app_env is AppEnv.PRODUCTION

    @property
    def app_env_is_stated(self) -> bool:
        """Somebody said which environment this is; it is not only the default."""
        return "app_env" in self.model_fields_set

    @property
    def code_host_is_long(self) -> bool:
        return len(urlsplit(self.code_base_url).netloc) > CODE_HOST_LENGTH

    @property
    def docs_open(self) -> bool:
        return self.open_docs or not self.is_production

    @property
    def index_key_bytes(self) -> bytes:
        return _parse_key(self.index_key.get_secret_value())

    @model_validator(mode="after")
    def _index_key_is_a_key(self) -> Self:
        try:
            _parse_key(self.index_key.get_secret_value())
        except (binascii.Error, ValueError):
            raise ValueError(f"INDEX_KEY must be {KEY_BYTES} bytes in base64") from None
        return self

    @model_validator(mode="after")
    def _production_is_serious(self) -> Self:
        if self.is_production and (faults := list(self._unfit_for_production())):
            raise ValueError("; ".join(faults))
        return self

    def _unfit_for_production(self) -> list[str]:
        checks = {**self._unfit_secrets(), **self._unfit_addresses()}
        return [fault for fault, found in checks.items() if found]

    def _unfit_secrets(self) -> dict[str, bool]:
        secret = self.secret_key.get_secret_value()
        return {
            "SECRET_KEY is the development default or shorter than 32 characters": secret == DEVELOPMENT_SECRET
            or len(secret) < SECRET_LENGTH,
            **self._unfit_keys(),
            "CERT_KEY_FILE is missing": self.cert_key_file is None,
            "WX_APPSECRET is missing": not self.wx_appsecret.get_secret_value(),
            "WXPAY_MERCHANTS_FILE is missing": self.wxpay_merchants_file is None,
            "METRICS_TOKEN is missing or shorter than 16 characters": self.metrics_token is None
            or len(self.metrics_token.get_secret_value()) < TOKEN_LENGTH,
            **self._unfit_push(),
        }

    def _unfit_push(self) -> dict[str, bool]:
        """Neither is set where nothing is pushed."""
        token, aes_key = (
            held.get_secret_value() if held else "" for held in (self.wx_push_token, self.wx_push_aes_key)
        )
        return {
            "WX_PUSH_TOKEN is missing, WX_PUSH_AES_KEY is there": bool(aes_key) and not token,
            "WX_PUSH_AES_KEY is missing, WX_PUSH_TOKEN is there": bool(token) and not aes_key,
            "WX_PUSH_AES_KEY must be the 43 characters of WeChat's own key": bool(aes_key)
            and not _is_push_key(aes_key),
        }

    def _unfit_keys(self) -> dict[str, bool]:
        """Those of development are each one byte repeated."""
        field_keys, code_keys = list(self.field_keys.values()), list(self.code_keys.values())
        all_keys = [*field_keys, *code_keys, self.index_key_bytes]
        return {
            "FIELD_KEYS is missing or has a key of one repeated byte": any(map(_is_one_byte, field_keys)),
            "CODE_KEYS is missing or has a key of one repeated byte": any(map(_is_one_byte, code_keys)),
            "INDEX_KEY is missing or one repeated byte": _is_one_byte(self.index_key_bytes),
            "FIELD_KEYS and CODE_KEYS and INDEX_KEY have the same key twice": len(set(all_keys)) < len(all_keys),
        }

    def _unfit_addresses(self) -> dict[str, bool]:
        return {
            "FLASK_DEBUG must be off": self.flask_debug,
            "RATE_LIMITS must be on": not self.rate_limits,
            "WX_APPID is missing": self.wx_appid in {"", EXAMPLE_APPID},
            "PUBLIC_BASE_URL must be https and a public host": not _is_public_https(self.public_base_url),
            "CODE_BASE_URL must be https and a public host": not _is_public_https(self.code_base_url),
            "PUBLIC_BASE_URL must have no query and no fragment": _has_tail(self.public_base_url),
            "CODE_BASE_URL must have no path, no query and no fragment": _has_tail(self.code_base_url)
            or urlsplit(self.code_base_url).path != "",
            "WX_API_BASE must be https at weixin.qq.com, not the simulator": not _is_wechat(self.wx_api_base),
            "WXPAY_API_BASE must be https at weixin.qq.com, not the simulator": not _is_wechat(self.wxpay_api_base),
        }


def _faults(error: ValidationError) -> list[str]:
    """``NAME: what is wrong``, never the value."""
    faults = error.errors(include_input=False, include_url=False)
    named = [(".".join(map(str, fault["loc"])).upper(), fault["msg"].removeprefix("Value error, ")) for fault in faults]
    return [f"{name}: {message}" if name else message for name, message in named]


def _is_push_key(text: str) -> bool:
    """WeChat leaves the last character of the base64 away."""
    try:
        return len(text) == PUSH_KEY_LENGTH and len(_parse_key(text + "=")) == KEY_BYTES
    except ValueError:
        return False


def _is_one_byte(key: bytes) -> bool:
    return len(set(key)) == 1


def _has_tail(url: str) -> bool:
    return "?" in url or "#" in url


def _is_wechat(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and f".{parts.hostname}".endswith(f".{WECHAT_DOMAIN}")


def _is_public_https(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and _is_public(parts.hostname or "localhost")


def _is_public(host: str) -> bool:
    """Neither this machine, nor a private address, nor a name reserved for examples."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return host.rpartition(".")[2] not in RESERVED_NAMES
