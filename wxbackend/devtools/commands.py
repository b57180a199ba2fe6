"""Commands for developers. Settings decide whether this environment may run them."""

from pathlib import Path

import click


@click.command("wxsim")
@click.option("--port", type=click.IntRange(1, 65535), default=8700, show_default=True, help="监听端口 (127.0.0.1)")
@click.option("--state-dir", type=click.Path(file_okay=False, path_type=Path), help="保存密钥与后端配置的目录")
@click.option("--speed", type=click.FloatRange(0, 1_000_000, min_open=True), default=1.0, help="通知重试的时钟倍速")
def wxsim_command(port: int, state_dir: Path | None, speed: float) -> None:
    """启动微信模拟器: 小程序登录、微信支付下单与通知."""
    from wxbackend.devtools.wxsim import run  # noqa: PLC0415  other commands do not pay for its import

    run(port, state_dir, speed)
