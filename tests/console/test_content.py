"""内容审核: what WeChat would not judge, decided by those whose county it is."""

import re

import pytest
from sqlalchemy import select

from models import AuditEntry, Avatar, ContentReview, Pledge, ReviewStatus, Role
from tests.console.journeys import certified_pledge, open_pledge, work
from tests.content.conftest import DOUBTFUL, picture
from tests.make import OTHER_COUNTY
from tests.statements import counted
from wxbackend.content.jobs import take_media_check
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.wxmini import PushEvent, Suggestion

SAID = f"<script>alert(1)</script>{DOUBTFUL}"


@pytest.fixture
def mini(ports):
    ports.mini.verdicts = {DOUBTFUL: Suggestion.REVIEW}
    return ports.mini


@pytest.fixture
def doubtful(client, make, mini) -> str:
    """A pledge whose dedication waits; its number."""
    return open_pledge(client, make, make.base(), holder_name=None, dedication=SAID)


def waiting(subject: str = "dedication") -> ContentReview:
    with reading() as session:
        return session.scalars(select(ContentReview).where(ContentReview.subject == subject)).one()


def address(subject: str = "dedication") -> str:
    return f"/console/content/{waiting(subject).public_id}"


@pytest.mark.parametrize("role", [Role.COUNTY_ADMIN, Role.ISSUER])
def test_what_waits_is_listed_with_its_cause_and_wechats_word(office, doubtful, role):
    browser = office.seat_new(role)
    page = browser.get("/console/content").text
    assert all(word in page for word in (doubtful, "寄语", "微信存疑", "时政", "待审核"))
    assert "alert(1)" not in page
    assert ">内容审核</a>" in browser.get("/console").text


def test_county_sees_its_own_and_nobody_elses(office, doubtful):
    other = office.seat_new(Role.ISSUER, region=OTHER_COUNTY)
    assert doubtful not in other.get("/console/content").text
    for answer in (other.get(address()), other.post(f"{address()}/approve"), other.post(f"{address()}/reject")):
        assert answer.status_code == 404
    assert waiting().status is ReviewStatus.PENDING


def test_what_belongs_to_a_person_alone_is_every_reviewers(office, client, make, mini):
    client.patch("/v1/me", json={"nickname": f"叶{DOUBTFUL}"}, headers=make.resident())
    for region in (OTHER_COUNTY, "445281000000"):
        browser = office.seat_new(Role.ISSUER, region=region)
        assert "昵称" in browser.get("/console/content").text.partition("<tbody>")[2]
        page = browser.get(address("nickname")).text
        assert ("叶*" in page, f"叶{DOUBTFUL}" in page) == (True, False)


def test_names_of_somebody_who_gave_are_for_the_counties_they_gave_to(office, client, make, mini):
    open_pledge(client, make, make.base(), holder_name=None, dedication=None)
    client.patch("/v1/me", json={"nickname": DOUBTFUL, "name": DOUBTFUL}, headers=make.resident())
    own, other = office.seat_new(Role.ISSUER), office.seat_new(Role.ISSUER, region=OTHER_COUNTY)
    for subject in ("nickname", "profile_name"):
        assert own.get(address(subject)).status_code == 200
        refused = [other.post(f"{address(subject)}/{act}", reason="不在我的县里", purpose="不在我的县里")
                   for act in ("reveal", "approve", "reject")]  # fmt: skip
        assert [answer.status_code for answer in (other.get(address(subject)), *refused)] == [404] * 4
    assert "没有待审核的内容" in other.get("/console/content").text


@pytest.mark.parametrize("subject", ["holder_name", "profile_name", "nickname"])
def test_name_is_masked_until_a_reason_stands_in_the_trail(office, client, make, mini, subject):
    name = f"欧阳{DOUBTFUL}"
    if subject == "holder_name":
        open_pledge(client, make, make.base(), holder_name=name, dedication=None)
    else:
        client.patch("/v1/me", json={subject.removeprefix("profile_"): name}, headers=make.resident())
    browser, at = office.seat_new(Role.ISSUER), address(subject)
    assert [name in browser.get(path).text for path in ("/console/content", at)] == [False, False]
    assert browser.post(f"{at}/reveal", purpose="短").status_code == 422
    shown = browser.post(f"{at}/reveal", purpose="核对微信存疑的原因")
    assert (shown.status_code, name in shown.text, name in browser.get(at).text) == (200, True, False)
    with reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "content.reveal")).one()
    assert entry.details == {"reason": "核对微信存疑的原因", "subject": subject}
    assert entry.object_kind == ("pledge" if subject == "holder_name" else "content_review")


def test_name_that_is_decided_is_nowhere_left_to_be_read(office, client, make, mini):
    client.patch("/v1/me", json={"nickname": f"叶{DOUBTFUL}"}, headers=make.resident())
    browser, at = office.seat_new(Role.ISSUER), address("nickname")
    browser.post(f"{at}/approve")
    assert f"叶{DOUBTFUL}" not in browser.post(f"{at}/reveal", purpose="核对微信存疑的原因").text


def test_text_is_shown_as_text(office, doubtful):
    page = office.seat_new(Role.ISSUER).get(address()).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_approval_publishes_and_leaves_a_trace_without_the_text(office, doubtful):
    browser = office.seat_new(Role.ISSUER)
    answer = browser.post(f"{address()}/approve", note="没有问题")
    assert (answer.status_code, answer.location) == (303, "/console/content")
    with reading() as session:
        assert session.scalars(select(Pledge.dedication_status)).one() == "approved"
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "content.approve")).one()
    assert (noted.object_key, noted.details) == (doubtful, {"subject": "dedication"})
    assert "没有待审核的内容" in browser.get("/console/content").text
    assert "通过内容" in browser.get(f"/console/pledges/{doubtful}").text


def test_rejection_needs_a_reason(office, doubtful):
    browser = office.seat_new(Role.ISSUER)
    assert browser.post(f"{address()}/reject", reason="").status_code == 422
    assert waiting().status is ReviewStatus.PENDING
    assert browser.post(f"{address()}/reject", reason="含有推销内容").status_code == 303
    assert (waiting().status, waiting().note, waiting().text_sealed) == (ReviewStatus.REJECTED, "含有推销内容", None)


def test_second_decision_is_refused_beside_the_form(office, doubtful):
    browser = office.seat_new(Role.ISSUER)
    browser.post(f"{address()}/reject", reason="含有推销内容")
    answer = browser.post(f"{address()}/approve")
    assert (answer.status_code, "已处理" in answer.text or "已驳回" in answer.text) == (409, True)


def test_approved_name_lets_the_certificate_go_out(office, app, client, make, pay, clock, mini):
    number = certified_pledge(app, client, make, pay, clock, holder_name=f"林{DOUBTFUL}", dedication="愿家乡常绿")
    browser = office.seat_new(Role.ISSUER)
    assert "姓名待审核" in browser.get("/console/glyphs").text
    browser.post(f"{address('holder_name')}/approve")
    work(app, clock)
    assert "有效" in browser.get(f"/console/pledges/{number}").text


def test_approved_thing_is_taken_down_from_the_pledges_page(office, client, make, mini):
    number = open_pledge(client, make, make.base(), holder_name=None, dedication="愿家乡常绿")
    browser = office.seat_new(Role.COUNTY_ADMIN)
    links = re.findall(r'href="(/console/content/[^"]+)"', browser.get(f"/console/pledges/{number}").text)
    assert links == [address()]
    assert "愿家乡常绿" in browser.get(links[0]).text
    assert browser.post(f"{links[0]}/reject", reason="接到投诉核实").status_code == 303
    with reading() as session:
        assert session.scalars(select(Pledge.dedication_status)).one() == "rejected"
    assert "撤下" not in browser.get(links[0]).text


def test_reader_without_the_right_sees_states_and_no_way_in(office, doubtful):
    browser = office.seat_new(Role.FINANCE)
    page = browser.get(f"/console/pledges/{doubtful}").text
    assert "寄语审核" in page
    assert "/console/content" not in page
    assert browser.get("/console/content").status_code == 403


def test_picture_is_shown_inside_the_page_and_has_no_address(office, client, make, clock, mini):
    client.put("/v1/me/avatar", data=picture(), content_type="image/jpeg", headers=make.resident())
    document = {"trace_id": next(iter(mini.images)), "errcode": 0, "result": {"suggest": "review", "label": 20002}}
    with transaction() as session:
        take_media_check(session, PushEvent("key", "wxa_media_check", "openid-a", clock(), document), clock())
    browser = office.seat_new(Role.ISSUER)
    page = browser.get(address("avatar")).text
    assert 'src="data:image/jpeg;base64,' in page
    assert "色情" in page
    with reading() as session:
        assert session.scalars(select(Avatar.token)).one() not in page
    browser.post(f"{address('avatar')}/approve")
    with reading() as session:
        token, status = session.execute(select(Avatar.token, Avatar.status)).one()
    assert (status, client.get(f"/media/{token}").status_code) == (ReviewStatus.APPROVED, 200)


def test_text_that_was_replaced_meanwhile_cannot_be_decided(office, client, make, mini):
    headers = make.resident()
    client.patch("/v1/me", json={"nickname": f"甲{DOUBTFUL}"}, headers=headers)
    old = address("nickname")
    client.patch("/v1/me", json={"nickname": f"乙{DOUBTFUL}"}, headers=headers)
    browser = office.seat_new(Role.ISSUER)
    assert browser.post(f"{old}/approve").status_code == 404
    assert waiting("nickname").status is ReviewStatus.PENDING


def test_oldest_comes_first_and_pages_follow(office, client, make, mini):
    for n in range(22):
        client.patch("/v1/me", json={"nickname": f"{DOUBTFUL}{n}"}, headers=make.resident(f"p{n}"))
    browser = office.seat_new(Role.ISSUER)
    first = browser.get("/console/content")
    rows = re.findall(r'href="/console/content/([^"]+)">审核', first.text)
    with reading() as session:
        ids = session.scalars(select(ContentReview.public_id).order_by(ContentReview.id)).all()
    assert rows == ids[:20]
    cursor = re.search(r'href="(/console/content\?[^"]*cursor=[^"]+)"', first.text).group(1)
    second = browser.get(cursor.replace("&amp;", "&")).text
    assert re.findall(r'href="/console/content/([^"]+)">审核', second) == ids[20:]


def test_list_takes_as_many_statements_for_many_as_for_none(office, client, make, mini):
    browser = office.seat_new(Role.ISSUER)
    browser.get("/console/content")
    with counted() as none:
        browser.get("/console/content")
    for n in range(5):
        client.patch("/v1/me", json={"nickname": f"{DOUBTFUL}{n}"}, headers=make.resident(f"p{n}"))
    with counted() as many:
        browser.get("/console/content")
    assert len(none) == len(many)


def test_command_counts_what_waits(app, client, make, mini):
    mini.failures = [UpstreamFailed()]
    client.patch("/v1/me", json={"nickname": "叶子"}, headers=make.resident("a"))
    client.patch("/v1/me", json={"nickname": DOUBTFUL}, headers=make.resident("b"))
    said = app.test_cli_runner().invoke(args=["content", "waiting"])
    assert (said.exit_code, said.output.strip()) == (0, "昵称：2 项，其中待人工 1 项，最早 2026-03-12")
