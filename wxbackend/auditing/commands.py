"""``flask audit``."""

import json
from dataclasses import asdict

import click

from wxbackend.auditing import service as auditing
from wxbackend.core.db import reading
from wxbackend.core.ports import ports, settings


@click.command("audit")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def audit_command(context: click.Context, *, as_json: bool) -> None:
    """独立审计: 重新计算资金、积分、名额、编号、证书与状态. 无误退出码为 0, 有误为 1."""
    with reading() as session:
        report = auditing.audit(session, storage=ports().storage, code_keys=settings().code_keys)
    if as_json:
        click.echo(json.dumps({"clean": report.is_clean, **asdict(report)}, ensure_ascii=False))
    else:
        for violation in report.violations:
            click.echo(f"✕ {violation.title}（{violation.check}）：{' · '.join(violation.facts)}")
        verdict = "全部相符" if report.is_clean else f"{len(report.violations)} 处不符"
        click.echo(f"共 {report.checks} 项检查，{verdict}。")
    context.exit(0 if report.is_clean else 1)
