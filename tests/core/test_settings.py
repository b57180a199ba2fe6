"""Configuration: read once, all faults at once, nothing secret shown, production serious."""

from base64 import b64encode
from pathlib import Path

import pytest

from wxbackend.core.settings import DEVELOPMENT_SECRET, AppEnv, BadSettings, Settings


def key(letter: str) -> str:
    return b64encode(letter.encode() * 31 + b"~").decode()


def repeated(letter: str) -> str:
    return b64encode(letter.encode() * 32).decode()


#: The environment of a production that may start.
SERIOUS = {
    "app_env": "production",
    "secret_key": "s" * 32,
    "field_keys": f"k2:{key('2')},k1:{key('1')}",
    "code_keys": f"c1:{key('3')}",
    "index_key": key("4"),
    "cert_key_file": "/etc/xiangshu/certificate.pem",
    "wx_appid": "wxfedcba9876543210",
    "wx_appsecret": "w" * 32,
    "wxpay_merchants_file": "/etc/xiangshu/merchants.toml",
    "metrics_token": "m" * 16,
    "public_base_url": "https://xiangshu.gov.cn",
    "code_base_url": "https://xs.cn",
    "_env_file": None,
}

REFUSALS = [
    ("secret_key", DEVELOPMENT_SECRET, "SECRET_KEY"),
    ("secret_key", "s" * 31, "SECRET_KEY"),
    ("field_keys", None, "FIELD_KEYS"),
    ("field_keys", f"mine:{repeated('f')}", "FIELD_KEYS"),
    ("field_keys", f"k2:{key('2')},k1:{repeated('1')}", "FIELD_KEYS"),
    ("field_keys", f"k2:{key('2')},k1:{key('2')}", "FIELD_KEYS"),
    ("field_keys", f"k2:{key('2')},k1:{key('3')}", "FIELD_KEYS"),
    ("code_keys", None, "CODE_KEYS"),
    ("code_keys", f"c2:{key('5')},c1:{repeated('3')}", "CODE_KEYS"),
    ("code_keys", f"c1:{key('4')}", "FIELD_KEYS"),
    ("index_key", None, "INDEX_KEY"),
    ("index_key", repeated("4"), "INDEX_KEY"),
    ("index_key", key("1"), "FIELD_KEYS"),
    ("cert_key_file", None, "CERT_KEY_FILE"),
    ("wx_appid", None, "WX_APPID"),
    ("wx_appid", "", "WX_APPID"),
    ("wx_appsecret", None, "WX_APPSECRET"),
    ("wxpay_merchants_file", None, "WXPAY_MERCHANTS_FILE"),
    ("metrics_token", None, "METRICS_TOKEN"),
    ("metrics_token", "", "METRICS_TOKEN"),
    ("public_base_url", None, "PUBLIC_BASE_URL"),
    ("public_base_url", "http://xiangshu.gov.cn", "PUBLIC_BASE_URL"),
    ("code_base_url", None, "CODE_BASE_URL"),
    ("code_base_url", "https://t.example", "CODE_BASE_URL"),
    ("code_base_url", "https://xs.cn/", "CODE_BASE_URL"),
    ("code_base_url", "https://xs.cn/t", "CODE_BASE_URL"),
    ("code_base_url", "https://xs.cn?from=plate", "CODE_BASE_URL"),
    ("code_base_url", "https://xs.cn#", "CODE_BASE_URL"),
    ("public_base_url", "https://xiangshu.gov.cn/?a=1", "PUBLIC_BASE_URL"),
    ("public_base_url", "https://xiangshu.gov.cn/#top", "PUBLIC_BASE_URL"),
    ("wx_api_base", "https://api.weixin.qq.com.xs.cn", "WX_API_BASE"),
    ("wx_api_base", "https://notweixin.qq.com", "WX_API_BASE"),
    ("wx_api_base", "http://api.weixin.qq.com", "WX_API_BASE"),
    ("wxpay_api_base", "https://pay.xs.cn", "WXPAY_API_BASE"),
    ("wxpay_api_base", "http://api.mch.weixin.qq.com", "WXPAY_API_BASE"),
    ("wx_api_base", "http://127.0.0.1:8700", "WX_API_BASE"),
    ("wx_api_base", "https://localhost", "WX_API_BASE"),
    ("wxpay_api_base", "http://127.0.0.1:8700", "WXPAY_API_BASE"),
    ("wxpay_api_base", "https://127.0.0.2:8700", "WXPAY_API_BASE"),
    ("wxpay_api_base", "https://10.0.0.5", "WXPAY_API_BASE"),
    ("wxpay_api_base", "https://[::1]:8700", "WXPAY_API_BASE"),
    ("wxpay_api_base", "", "WXPAY_API_BASE"),
    ("flask_debug", "1", "FLASK_DEBUG"),
    ("rate_limits", "0", "RATE_LIMITS"),
]


def without(name: str, value: str | None) -> dict[str, object]:
    rest = {k: v for k, v in SERIOUS.items() if k != name}
    return rest if value is None else {**rest, name: value}


def test_a_serious_production_starts():
    settings = Settings.from_env(**SERIOUS)
    assert settings.is_production
    assert not settings.docs_open
    assert list(settings.field_keys) == ["k2", "k1"]


@pytest.mark.parametrize("base", ["https://api2.weixin.qq.com", "https://sh.api.weixin.qq.com"])
def test_every_address_of_wechat_will_do(base):
    assert Settings.from_env(**without("wx_api_base", base)).wx_api_base == base


@pytest.mark.parametrize(("name", "value", "said"), REFUSALS)
def test_production_refuses(name, value, said):
    with pytest.raises(BadSettings) as refused:
        Settings.from_env(**without(name, value))
    assert said in str(refused.value)
    assert str(refused.value).count(";") == 0, "only this is wrong"


PUSH_KEY = key("7").rstrip("=")


@pytest.mark.parametrize(
    ("token", "aes_key", "said"),
    [
        ("t" * 20, None, "WX_PUSH_AES_KEY"),
        ("t" * 20, "", "WX_PUSH_AES_KEY"),
        (None, PUSH_KEY, "WX_PUSH_TOKEN"),
        ("t" * 20, PUSH_KEY[:-1], "WX_PUSH_AES_KEY"),
        ("t" * 20, PUSH_KEY + "=", "WX_PUSH_AES_KEY"),
        ("t" * 20, "密" * 43, "WX_PUSH_AES_KEY"),
        ("t" * 20, "!" * 43, "WX_PUSH_AES_KEY"),
    ],
)
def test_half_a_message_push_is_refused_in_production(token, aes_key, said):
    with pytest.raises(BadSettings) as refused:
        Settings.from_env(**SERIOUS, wx_push_token=token, wx_push_aes_key=aes_key)
    assert str(refused.value).startswith(said)
    assert ";" not in str(refused.value)


@pytest.mark.parametrize(("token", "aes_key"), [("t" * 20, PUSH_KEY), (None, None), ("", "")])
def test_message_push_is_configured_whole_or_not_at_all(token, aes_key):
    assert Settings.from_env(**SERIOUS, wx_push_token=token, wx_push_aes_key=aes_key).is_production


def test_every_refusal_of_production_is_tried():
    with pytest.raises(BadSettings) as refused:
        Settings.from_env(
            app_env="production",
            flask_debug=True,
            rate_limits=False,
            wx_api_base="http://localhost",
            wxpay_api_base="http://localhost",
            code_base_url="http://localhost",
            index_key=repeated("f"),
            _env_file=None,
        )
    told = {fault.split()[0] for fault in str(refused.value).split("; ")}
    assert told == {said for _, _, said in REFUSALS}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("field_keys", "k1"), ("field_keys", "k1:short"), ("field_keys", ""), ("field_keys", f":{key('1')}"),
        ("field_keys", f"k1:{key('1')},k1:{key('2')}"), ("field_keys", f"k1:{b64encode(b'1' * 31).decode()}"),
        ("code_keys", "k1:!!!"), ("trusted_proxies", "-1"), ("trusted_proxies", "many"), ("session_days", "0"),
        ("app_env", "staging"), ("rate_limits", "perhaps"),
    ],
)  # fmt: skip
def test_a_garbled_setting_is_refused_by_its_name(name, value):
    with pytest.raises(BadSettings, match=name.upper()):
        Settings.from_env(**{name: value}, _env_file=None)


@pytest.mark.parametrize("value", ["", "short", "!" * 44, b64encode(b"1" * 31).decode()])
def test_a_garbled_index_key_is_refused(value):
    with pytest.raises(BadSettings, match="INDEX_KEY"):
        Settings.from_env(index_key=value, _env_file=None)


@pytest.mark.parametrize(
    "value",
    [
        "", "/var/files", "file:/var/files", "file://var/files", "file://localhost/var/files", "file:var/files",
        "file:///", "file://", "file:///var/files?x=1", "file:///var/files#1", "s3://bucket/files",
    ],
)  # fmt: skip
def test_a_storage_that_is_no_absolute_folder_is_refused(value):
    with pytest.raises(BadSettings, match="STORAGE_URL: must be file:// and the absolute path of a folder"):
        Settings.from_env(storage_url=value, _env_file=None)


def test_an_absolute_folder_is_a_storage():
    url = "file:///var/lib/xiangshu/files"
    assert Settings.from_env(storage_url=url, _env_file=None).storage_url == url


@pytest.mark.parametrize(
    ("url", "is_long"),
    [
        ("https://t.example", False), ("https://abcdefg.cn", False), ("https://abcdefgh.cn", True),
        ("https://xs.cn:8443", False), ("https://a.xs.cn:8443", True),
    ],
)  # fmt: skip
def test_a_code_host_of_more_than_ten_characters_is_long(url, is_long):
    assert Settings.from_env(code_base_url=url, _env_file=None).code_host_is_long is is_long


def test_all_faults_are_reported_together():
    with pytest.raises(BadSettings) as refused:
        Settings.from_env(**{**SERIOUS, "field_keys": "x", "session_days": "0", "secret_key": "short", "wx_appid": ""})
    said = str(refused.value)
    assert [name in said for name in ("FIELD_KEYS", "SESSION_DAYS", "SECRET_KEY", "WX_APPID")] == [True] * 4
    assert said.count("FIELD_KEYS") == 1


SECRET_VALUES = {
    "secret_key": "canary-secret-key-canary-secret-key",
    "wx_appsecret": "canary-appsecret",
    "metrics_token": "canary-metrics-token",
    "redis_url": "redis://:canary-redis@127.0.0.1/0",
    "wx_push_token": "canary-push",
    "wx_push_aes_key": "canary-aes",
    "index_key": key("!"),
    "field_keys": f"k1:{key('#')}",
    "code_keys": f"k1:{key('$')}",
    "database_url": "postgresql+psycopg://xs:canary-password@127.0.0.1/xs",
    "migration_database_url": "postgresql+psycopg://owner:canary-owner@127.0.0.1/xs",
}


def test_nothing_secret_is_shown():
    settings = Settings.from_env(**SECRET_VALUES, _env_file=None)
    shown = f"{settings!r} {settings} {settings.field_keys!r}"
    assert "canary" not in shown
    for letter in "!#$":
        assert letter * 8 not in shown
        assert key(letter) not in shown


def test_nothing_secret_is_in_a_refusal():
    with pytest.raises(BadSettings) as refused:
        Settings.from_env(
            **{**SECRET_VALUES, "app_env": "production", "index_key": "canary", "field_keys": "k1:canary"}
        )
    assert "canary" not in str(refused.value)


def test_the_environment_and_a_file_are_read(tmp_path: Path):
    file = tmp_path / "env"
    file.write_text(f"SESSION_DAYS=7\nFIELD_KEYS=k9:{key('9')}\nUNKNOWN=1\n")
    settings = Settings.from_env(_env_file=file)
    assert (settings.session_days, list(settings.field_keys), settings.app_env) == (7, ["k9"], AppEnv.DEVELOPMENT)


def test_settings_are_frozen():
    with pytest.raises(Exception, match="frozen"):
        Settings.from_env(_env_file=None).session_days = 1
