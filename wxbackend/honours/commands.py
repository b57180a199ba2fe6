"""``flask issuer seal``: lend an authority's seal to the certificates of its county."""

import hashlib
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import update

from certificates.stamp import BadSeal, seal_picture
from models import Issuer
from wxbackend.core import audit
from wxbackend.core.db import transaction
from wxbackend.core.ports import ports

issuer_commands = AppGroup("issuer", help="发证机关.")


@issuer_commands.command("seal")
@click.option("--county", required=True, help="县级行政区划代码（12 位）")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
def seal(county: str, file: Path | None) -> None:
    """设置发证机关的印章图片 (PNG); 不带文件则取下印章, 此后的证书印“样例”. 已颁发的证书不变."""
    data = file.read_bytes() if file else None
    key = _keep(county, data) if data is not None else None
    with transaction() as session:
        known = session.scalar(
            update(Issuer).where(Issuer.county_code == county).values(seal_key=key).returning(Issuer.name)
        )
        if known is None:
            raise click.ClickException(f"{county} 没有登记发证机关")
        audit.record(session, caller=None, action="issuer.seal", on=("issuer", county), now=ports().now(), seal=key)
    click.echo(f"{known}：{'印章已设置' if key else '印章已取下，证书将印“样例”'}。")


def _keep(county: str, data: bytes) -> str:
    """Store a seal that can be printed, under the name of its content."""
    try:
        seal_picture(data)
    except BadSeal as error:
        raise click.ClickException(f"印章图片不可用：{error}") from error
    key = f"seals/{county}/{hashlib.sha256(data).hexdigest()[:32]}.png"
    ports().storage.put(key, data)
    return key
