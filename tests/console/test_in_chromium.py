"""The pages in a real Chromium: signed in with a code, without one violation of the policy or one outside request."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Thread
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from models import Role
from tests.staff.people import PASSWORD

QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
)


@pytest.fixture
def site(app) -> Iterator[str]:
    """The application on a free port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Watched:
    """A page of Chromium and everything it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith("data:"):
            self.hosts.add(urlsplit(url).netloc)

    def is_wider_than_its_window(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.fixture
def chromium() -> Iterator[Watched]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=list(QUIET))
        context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        context.set_default_timeout(15_000)
        yield Watched(context.new_page())
        browser.close()


def sign_in(page: Page, site: str, who) -> None:
    page.goto(f"{site}/console/pledges")
    page.get_by_label("用户名").fill(who.username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_label("动态码").fill(who.code())
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: "/login" not in url)


def test_clerk_signs_in_with_a_code_and_looks_a_pledge_up(office, certified, site, chromium):
    page = chromium.page
    sign_in(page, site, office.hire(*Role))
    page.wait_for_url(f"{site}/console/pledges")
    page.locator("#q").fill(certified.serial)
    page.get_by_role("button", name="查询").click()
    page.wait_for_url(f"{site}/console/pledges/{certified.number}")
    assert page.get_by_text("陈*").is_visible()
    page.get_by_text("查看完整姓名").click()
    page.get_by_label("理由").fill("核对来电人身份")
    page.get_by_role("button", name="查看并记录").click()
    assert page.get_by_text("陈新叶").is_visible()
    page.get_by_role("button", name="退出").click()
    page.wait_for_url(f"{site}/console/login")
    assert chromium.complaints == []
    assert chromium.hosts == {urlsplit(site).netloc}


PAGES = ("", "/pledges", "/certificates", "/bases", "/campaigns", "/approvals", "/audit", "/dead-letters", "/sessions")


@pytest.mark.parametrize("width", [1366, 390])
def test_pages_fit_their_window_and_keep_the_policy(office, certified, site, chromium, width):
    page = chromium.page
    page.set_viewport_size({"width": width, "height": 844})
    sign_in(page, site, office.hire(*Role))
    details = (f"/pledges/{certified.number}", f"/certificates/{certified.certificate_id}")
    for path in (*PAGES, *details):
        page.goto(f"{site}/console{path}")
        assert page.evaluate("getComputedStyle(document.querySelector('.side')).backgroundColor") == "rgb(18, 56, 42)"
        assert not chromium.is_wider_than_its_window(), path
    assert chromium.complaints == []
    assert chromium.hosts == {urlsplit(site).netloc}


def test_menu_opens_on_a_telephone_without_any_script(office, make, site, chromium):
    page = chromium.page
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, site, office.hire(*Role))
    entry = page.get_by_role("link", name="双人复核")
    assert not entry.is_visible()
    page.get_by_text("菜单", exact=True).click()
    entry.click()
    page.wait_for_url(f"{site}/console/approvals")
    assert chromium.complaints == []


def test_policy_is_what_stops_a_script(office, site, chromium):
    """The check above can fail: a page that tries to run a script complains."""
    page = chromium.page
    sign_in(page, site, office.hire(*Role))
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'ran = 1'; document.body.append(s) }"
    )
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in complaint for complaint in chromium.complaints)
