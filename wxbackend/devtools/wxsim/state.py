"""The simulator's folder: keys that outlive a restart, and every file the backend needs to trust this WeChat.

A file that exists is kept; two processes that start at once agree on whichever was written first.
"""

import json
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from wxbackend.devtools.wxsim.clock import SimClock, random_hex
from wxbackend.devtools.wxsim.keys import load_key, new_key, private_pem, public_pem, self_signed
from wxbackend.devtools.wxsim.merchants import DEFAULT_MCHIDS, Merchant, MiniApp, new_mini_app, public_key_id_of
from wxbackend.devtools.wxsim.push import PushSettings
from wxbackend.devtools.wxsim.world import World

DEFAULT_PORT = 8700


@dataclass(frozen=True, slots=True)
class StatePaths:
    """``env_file`` sets WX_APPID, WX_APPSECRET, WX_API_BASE, WX_PUSH_*, WXPAY_API_BASE and WXPAY_MERCHANTS_FILE."""

    folder: Path
    merchants_file: Path
    env_file: Path


def prepare_state(
    folder: Path | str, *, port: int = DEFAULT_PORT, mchids: tuple[str, ...] = DEFAULT_MCHIDS
) -> StatePaths:
    """Make or complete the folder for a simulator that will listen on ``port``; nothing is started."""
    place = Path(folder)
    return write_settings(place, open_world(place, clock=SimClock(), mchids=mchids), origin=f"http://127.0.0.1:{port}")


def open_world(folder: Path, *, clock: SimClock, mchids: tuple[str, ...] = DEFAULT_MCHIDS) -> World:
    """A world whose accounts and keys live in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    app = MiniApp(**json.loads(_kept(folder / "mini_app.json", _new_app_file)))
    now = clock.signing_now()
    platform_key = _kept_key(folder / "platform_key.pem")
    platform = _kept_certificate(folder / "platform_cert.pem", platform_key, name="wxsim platform", now=now)
    merchants = {
        mchid: _open_merchant(folder / mchid, platform_key=platform_key, platform=platform, now=now) for mchid in mchids
    }
    world = World(app, merchants, clock)
    world.mini.push.settings = PushSettings(**json.loads(_kept(folder / "push.json", _new_push_file)))
    return world


def write_settings(folder: Path, world: World, *, origin: str) -> StatePaths:
    """Write merchants.toml and wxsim.env, each replaced as a whole; message push is as it is set now."""
    home = folder.resolve()
    paths = StatePaths(home, home / "merchants.toml", home / "wxsim.env")
    tables = [_merchant_table(merchant) for merchant in world.merchants.values()]
    _replace(paths.merchants_file, "\n".join(tables).encode())
    values = {
        "WX_APPID": world.app.appid,
        "WX_APPSECRET": world.app.secret,
        "WX_API_BASE": origin,
        "WX_PUSH_TOKEN": world.mini.push.settings.token,
        "WX_PUSH_AES_KEY": world.mini.push.settings.aes_key,
        "WXPAY_API_BASE": origin,
        "WXPAY_MERCHANTS_FILE": str(paths.merchants_file),
    }
    _replace(paths.env_file, "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()).encode())
    return paths


def _open_merchant(
    folder: Path, *, platform_key: rsa.RSAPrivateKey, platform: x509.Certificate, now: float
) -> Merchant:
    folder.mkdir(exist_ok=True)
    key = _kept_key(folder / "apiclient_key.pem")
    wechat_key = _kept_key(folder / "wechat_key.pem")
    _kept(folder / "pub_key.pem", lambda: public_pem(wechat_key))
    _kept(folder / "platform_cert.pem", lambda: platform.public_bytes(serialization.Encoding.PEM))
    return Merchant(
        mchid=folder.name,
        apiv3_key=_kept(folder / "apiv3_key.txt", lambda: random_hex(32).encode()).decode(),
        key=key,
        certificate=_kept_certificate(
            folder / "apiclient_cert.pem", key, name=f"wxsim merchant {folder.name}", now=now
        ),
        wechat_key=wechat_key,
        public_key_id=public_key_id_of(folder.name),
        platform_key=platform_key,
        platform_certificate=platform,
    )


def _merchant_table(merchant: Merchant) -> str:
    """File names are relative to the table's own file, so that the folder can be moved or mounted elsewhere."""
    folder = merchant.mchid
    lines = {
        "mchid": merchant.mchid,
        "serial_no": merchant.serial_no,
        "private_key_file": f"{folder}/apiclient_key.pem",
        "apiv3_key_file": f"{folder}/apiv3_key.txt",
        "public_key_id": merchant.public_key_id,
        "public_key_file": f"{folder}/pub_key.pem",
    }
    platform = {"serial": merchant.platform_serial, "file": f"{folder}/platform_cert.pem"}
    return f"[[merchant]]\n{_toml(lines)}\n[[merchant.platform_certificate]]\n{_toml(platform)}"


def _toml(values: dict[str, str]) -> str:
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())


def _new_app_file() -> bytes:
    app = new_mini_app()
    return json.dumps({"appid": app.appid, "secret": app.secret}).encode()


def _new_push_file() -> bytes:
    settings = PushSettings()
    return json.dumps({"token": settings.token, "aes_key": settings.aes_key}).encode()


def _kept_key(path: Path) -> rsa.RSAPrivateKey:
    return load_key(_kept(path, lambda: private_pem(new_key())))


def _kept_certificate(path: Path, key: rsa.RSAPrivateKey, *, name: str, now: float) -> x509.Certificate:
    pem = _kept(path, lambda: self_signed(key, name=name, now=now).public_bytes(serialization.Encoding.PEM))
    return x509.load_pem_x509_certificate(pem)


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's bytes; made now if it is not there. A link is atomic, so a half-written file is never read."""
    if not path.exists():
        draft = _draft(path, make())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first: its file counts
        finally:
            draft.unlink()
    return path.read_bytes()


def _replace(path: Path, content: bytes) -> None:
    _draft(path, content).replace(path)


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{random_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return draft
