"""The state folder, the running server's life, and the command."""

import json
import os
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from wechatpayv3 import WeChatPay, WeChatPayType

from wxbackend.devtools.commands import wxsim_command
from wxbackend.devtools.wxsim import SimClock, prepare_state, serve


def environment(path: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in path.read_text().splitlines())
    return {name: shlex.split(value)[0] for name, value in pairs}


def merchants(path: Path) -> list[dict]:
    """The table's rows, file names made absolute as the backend does it."""
    rows = tomllib.loads(path.read_text())["merchant"]
    for row in rows:
        row |= {name: path.parent / value for name, value in row.items() if name.endswith("_file")}
        row["platform_certificate"][0]["file"] = path.parent / row["platform_certificate"][0]["file"]
    return rows


def test_the_folder_holds_what_the_backend_needs(tmp_path):
    paths = prepare_state(tmp_path / "wx sim", port=24117)
    values = environment(paths.env_file)
    assert values["WX_API_BASE"] == values["WXPAY_API_BASE"] == "http://127.0.0.1:24117"
    assert len(values["WX_APPSECRET"]) == 32
    assert values["WX_APPID"].startswith("wx")
    assert Path(values["WXPAY_MERCHANTS_FILE"]) == paths.merchants_file
    for entry in merchants(paths.merchants_file):
        load_pem_private_key(entry["private_key_file"].read_bytes(), None)
        load_pem_public_key(entry["public_key_file"].read_bytes())
        assert len(entry["apiv3_key_file"].read_text()) == 32
        assert entry["public_key_id"].startswith("PUB_KEY_ID_")
        [platform] = entry["platform_certificate"]
        certificate = load_pem_x509_certificate(platform["file"].read_bytes())
        assert f"{certificate.serial_number:X}" == platform["serial"]


def test_secrets_are_readable_by_their_owner_only(tmp_path):
    prepare_state(tmp_path)
    modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes
    assert set(modes.values()) == {0}
    assert not [name for name in modes if name.startswith(".")], "no draft is left behind"


def test_preparing_again_keeps_every_key_and_a_new_merchant_joins(tmp_path):
    first = prepare_state(tmp_path, mchids=("1680000001",)).merchants_file.read_text()
    second = prepare_state(tmp_path, mchids=("1680000001", "1680000003")).merchants_file.read_text()
    assert second.startswith(first)
    assert [entry["mchid"] for entry in tomllib.loads(second)["merchant"]] == ["1680000001", "1680000003"]


def sdk_from(paths, origin) -> WeChatPay:
    """Built from the files alone, as the backend is."""
    entry = merchants(paths.merchants_file)[0]
    sdk = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=entry["mchid"],
        private_key=entry["private_key_file"].read_text(),
        cert_serial_no=entry["serial_no"],
        appid=environment(paths.env_file)["WX_APPID"],
        apiv3_key=entry["apiv3_key_file"].read_text(),
        public_key=entry["public_key_file"].read_text(),
        public_key_id=entry["public_key_id"],
        timeout=5,
    )
    sdk._core._gate_way = origin
    return sdk


def test_a_restarted_simulator_still_knows_the_merchant(tmp_path):
    paths = prepare_state(tmp_path)
    for _ in range(2):
        with serve(state_dir=tmp_path) as running:
            status, text = sdk_from(paths, running.origin).query(out_trade_no="P261121ABCDEFGHJK01")
            assert (status, json.loads(text)["code"]) == (404, "ORDER_NOT_EXIST")
            assert environment(running.paths.env_file)["WXPAY_API_BASE"] == running.origin


def test_without_a_folder_nothing_is_written_and_a_clock_may_be_given():
    clock = SimClock(speed=7)
    with serve(clock=clock, mchids=("1680000009",)) as running:
        assert running.paths is None
        assert running.simulator.world.clock is clock
        assert list(running.simulator.world.merchants) == ["1680000009"]


def test_stop_ends_connections_that_clients_keep_open(running, http):
    http.get(f"{running.origin}/_control/hits")
    running.simulator.control("GET", "hits")
    address = running.origin
    with serve() as second:
        http.get(f"{second.origin}/_control/hits")
    with pytest.raises(OSError, match="refused"):
        http.get(f"{second.origin}/_control/hits")
    assert http.get(f"{address}/_control/hits").status_code == 200


def test_the_command_serves_until_it_is_told_to_end(tmp_path):
    script = "from wxbackend.devtools.commands import wxsim_command as c; c()"
    arguments = [sys.executable, "-c", script, "--port", free_port(), "--state-dir", str(tmp_path), "--speed", "60"]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUTF8": "1"}
    ) as process:
        first_line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert "http://127.0.0.1:" in first_line
    assert (tmp_path / "merchants.toml").exists()


def free_port() -> str:
    with serve() as running:
        return str(running.port)


def test_the_command_refuses_a_speed_of_nothing():
    result = CliRunner().invoke(wxsim_command, ["--speed", "0"])
    assert result.exit_code == 2


def test_a_clock_refuses_to_run_backwards_or_without_speed():
    with pytest.raises(ValueError, match="only advances"):
        SimClock().advance(-1)
    for speed in (0, -1, 2_000_000):
        with pytest.raises(ValueError, match="speed"):
            SimClock(speed=speed)
