"""``flask reconcile``."""

import pytest

from tests.fakes import MCHID
from tests.reconciliation.desk import NEXT_MORNING
from tests.reconciliation.paper import line_of, payment
from wxbackend.core.wxpay import BillNotReady


def run(app, *arguments: str):
    return app.test_cli_runner().invoke(args=["reconcile", *arguments])


def test_day_in_order_prints_its_sums_and_succeeds(app, desk):
    paid = desk.paid()
    desk.lay(line_of(paid))
    desk.morning()
    answer = run(app, "--date", "2026-03-12")
    assert answer.exit_code == 0, answer.output
    assert f"2026-03-12 {MCHID} 交易账单1 笔 收 50.00 支 0.00 资金账单1 笔 收 50.00 支 0.00 相符 1" in answer.output
    assert run(app, "--date", "2026-03-12", "--merchant", MCHID).output == answer.output


def test_open_item_or_missing_bill_fails(app, desk):
    desk.lay(payment("4200999", "SHOP-0001", 880))
    desk.morning()
    answer = run(app, "--date", "2026-03-12")
    assert (answer.exit_code, "本方缺 1" in answer.output) == (1, True)
    desk.pay.failures = [BillNotReady(), BillNotReady()]
    answer = run(app, "--date", "2026-03-11")
    assert (answer.exit_code, "未取得" in answer.output) == (1, True)


def test_missing_days_are_made_up_for_and_then_none_is(app, desk):
    desk.morning()
    first = run(app, "--missing")
    assert (first.exit_code, "共 90 个商户日，90 个相符" in first.output) == (0, True)
    assert "共 0 个商户日" in run(app, "--missing").output


def test_yesterday_is_refused_before_wechat_has_made_its_bills(app, desk):
    desk.walk.clock.moment = NEXT_MORNING.replace(hour=1, minute=59)
    answer = run(app, "--date", "2026-03-12")
    assert (answer.exit_code, "账单在次日十点以后才有，现在可以核对到 2026-03-11" in answer.output) == (2, True)
    assert "共 89 个商户日" in run(app, "--missing").output
    desk.walk.clock.moment = NEXT_MORNING.replace(hour=2, minute=0)
    assert run(app, "--date", "2026-03-12").exit_code == 0


@pytest.mark.parametrize("arguments", [
    (), ("--missing", "--date", "2026-03-12"), ("--date", "2026-03-13"), ("--date", "2026-03-12", "--merchant", "1"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(app, desk, arguments):
    desk.morning()
    assert run(app, *arguments).exit_code == 2
    assert desk.pay.calls == []
