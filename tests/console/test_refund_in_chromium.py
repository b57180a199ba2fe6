"""A refund in a real Chromium: asked for by one colleague, decided by another, on a desk and on a telephone."""

import os

import pytest

from models import RefundStatus, Role
from tests.console.refunding import Till
from tests.console.test_in_chromium import chromium, sign_in, site  # noqa: F401
from tests.console.test_receipts import asked as receipt  # noqa: F401
from wxbackend.core.wxpay import RefundState


@pytest.fixture
def till(app, make, pay, clock) -> Till:
    return Till(app, make, pay, clock)


@pytest.fixture
def shot(chromium):  # noqa: F811
    """Keep a picture of the page in the folder that ``CONSOLE_PICTURES`` names, for somebody to look at."""
    folder = os.environ.get("CONSOLE_PICTURES")

    def take(name: str) -> None:
        if folder:
            chromium.page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    return take


@pytest.mark.parametrize("width", [1366, 390])
def test_two_colleagues_give_money_back(office, till, certified, clock, site, chromium, shot, width):  # noqa: F811
    page = chromium.page
    page.set_viewport_size({"width": width, "height": 844})
    first, second = office.hire(Role.FINANCE), office.hire(Role.FINANCE, name="方新叶")
    sign_in(page, site, first)
    page.goto(f"{site}/console/pledges/{certified.number}")
    page.get_by_role("link", name="代为申请退款").click()
    page.get_by_label("退款原因").select_option("mistake")
    page.get_by_label("情况说明").fill("来电核实，付款有误")
    shot(f"wish-{width}")
    page.get_by_role("button", name="提交申请").click()
    page.get_by_text("由您申请，须由另一位财务同事审批").wait_for()
    number = page.url.rpartition("/")[2]
    assert not page.get_by_role("button", name="同意退款").is_visible()
    page.context.clear_cookies()
    sign_in(page, site, second)
    page.goto(f"{site}/console/refunds?stuck=true")
    shot(f"list-{width}")
    page.get_by_role("link", name=number).click()
    shot(f"requested-{width}")
    page.get_by_role("button", name="同意退款 100.00 元").click()
    page.get_by_text("款项已备付").first.wait_for()
    shot(f"approved-{width}")
    till.work()
    till.answers(number, RefundState.SUCCESS)
    page.reload()
    shot(f"success-{width}")
    assert page.get_by_text("没有欠分").is_visible()
    assert not chromium.is_wider_than_its_window()
    assert till.row(number).status is RefundStatus.SUCCESS
    assert chromium.complaints == []


@pytest.mark.parametrize("width", [1366, 390])
def test_pages_fit_their_window(office, certified, receipt, site, chromium, shot, width):  # noqa: F811
    page = chromium.page
    page.set_viewport_size({"width": width, "height": 844})
    sign_in(page, site, office.hire(*Role))
    paths = {
        "receipts": "/receipts",
        "receipt": f"/receipts/{receipt}",
        "procurement": f"/bases/{certified.base_id}/procurement",
        "bases": "/bases",
        "pledge": f"/pledges/{certified.number}",
        "workbench": "",
    }
    for name, path in paths.items():
        page.goto(f"{site}/console{path}")
        shot(f"{name}-{width}")
        assert not chromium.is_wider_than_its_window(), path
    assert chromium.complaints == []
