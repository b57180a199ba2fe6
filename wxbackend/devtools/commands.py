"""Commands for developers. Settings decide whether this environment may run them."""

from pathlib import Path

import click

DEFAULT_PUSH_URL = "http://127.0.0.1:8000/wx/push"


@click.command("wxsim")
@click.option("--port", type=click.IntRange(1, 65535), default=8700, show_default=True, help="监听端口 (127.0.0.1)")
@click.option("--state-dir", type=click.Path(file_okay=False, path_type=Path), help="保存密钥与后端配置的目录")
@click.option("--speed", type=click.FloatRange(0, 1_000_000, min_open=True), default=1.0, help="通知重试的时钟倍速")
@click.option("--push-url", default=DEFAULT_PUSH_URL, show_default=True, help="消息推送地址, 空字符串为不推送")
@click.option("--push-token", help="消息推送令牌 (默认取自 --state-dir, 否则随机)")
@click.option("--push-aes-key", help="消息加密密钥 EncodingAESKey, 43 个字符")
def wxsim_command(
    port: int,
    state_dir: Path | None,
    speed: float,
    push_url: str,
    push_token: str | None,
    push_aes_key: str | None,
) -> None:
    """启动微信模拟器: 小程序服务端接口、消息推送、微信支付与通知."""
    from wxbackend.devtools.wxsim import is_aes_key, run  # noqa: PLC0415  other commands do not pay for its import

    if push_aes_key is not None and not is_aes_key(push_aes_key):
        raise click.BadParameter("EncodingAESKey 为 43 个字符", param_hint="--push-aes-key")
    given = {"url": push_url, "token": push_token, "aes_key": push_aes_key}
    run(port, state_dir, speed, push={name: value for name, value in given.items() if value})
