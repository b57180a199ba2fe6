"""What every page keeps: one's own origin, no script, no cache, the menu of one's rights."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from models import Role
from tests.console.journeys import certified_pledge
from tests.statements import counted
from wxbackend.console import words
from wxbackend.console.filters import yuan
from wxbackend.console.navigation import MENU

TEMPLATES = Path(words.__file__).parent / "templates" / "console"
LISTS = (
    "/console/pledges",
    "/console/certificates",
    "/console/glyphs",
    "/console/campaigns",
    "/console/bases",
    "/console/mismatches",
    "/console/refunds",
    "/console/refunds?stuck=true",
    "/console/receipts",
    "/console/dead-letters",
    "/console/approvals",
    "/console/approvals?decided=true",
    "/console/audit",
    "/console/sessions",
)


@pytest.mark.parametrize("path", ["/console", *LISTS])
def test_page_is_strict_and_says_what_to_do_when_empty(office, path):
    answer = office.seat_new(*Role).get(path)
    assert answer.status_code == 200, answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<script" not in answer.text
    assert not re.search(r"\sstyle=|\son\w+=|https?://(?!www\.w3\.org/2000/svg)", answer.text)


@pytest.mark.parametrize("file", sorted(path.name for path in TEMPLATES.glob("*.html")))
def test_template_has_nothing_inline_and_no_outside_address(file):
    text = (TEMPLATES / file).read_text(encoding="utf-8")
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|https?://|//[a-z]", text)


def test_style_sheet_and_icon_come_from_here_and_nothing_else_does(office):
    door = office.door()
    for name, kind in (("bootstrap.min.css", "text/css"), ("console.css", "text/css"), ("icon.svg", "image/svg+xml")):
        with closing(door.get(f"/console/assets/{name}")) as asset:
            assert (asset.status_code, asset.mimetype) == (200, kind)
            assert "max-age=86400" in asset.headers["Cache-Control"]
    for name in ("bootstrap.min.css.map", "..%2Fsite.py", "site.py"):
        assert door.get(f"/console/assets/{name}").status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_menu_leads_only_to_pages_that_open(office, role):
    browser = office.seat_new(role)
    links = set(re.findall(r"<nav.*?</nav>", browser.get("/console").text, re.DOTALL)[0].split('href="')[1:])
    paths = [link.partition('"')[0] for link in links]
    assert 3 <= len(paths) <= sum(len(group.entries) for group in MENU)
    assert {browser.get(path).status_code for path in paths} == {200}


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=WyJ4Il0", "limit=0", "status=nothing", "unknown=1", "q=" + "x" * 65]
)
def test_filter_that_makes_no_sense_is_refused(office, query):
    assert office.seat_new(*Role).get(f"/console/pledges?{query}").status_code == 422


@pytest.mark.parametrize(("fen", "text"), [(0, "0.00"), (5, "0.05"), (175_830_050, "1,758,300.50"), (-120, "-1.20")])
def test_money_is_written_to_the_fen(fen, text):
    assert yuan(fen) == text


def test_every_state_has_its_words():
    states = {kind for kind, _ in words.TITLES}
    missing = [(kind, state) for kind in states for state in kind if (kind, str(state)) not in words.TITLES]
    assert missing == []


@pytest.mark.parametrize(("path", "most"), [("/console", 4), *((path, 2) for path in LISTS)])
def test_lists_take_the_same_few_statements_however_long(office, app, client, make, pay, clock, path, most):
    browser, base = office.seat_new(*Role), make.base()
    with counted() as short:
        browser.get(path)
    for _ in range(3):
        certified_pledge(app, client, make, pay, clock, base=base)
    with counted() as long:
        browser.get(path)
    assert len(short) == len(long) <= most
