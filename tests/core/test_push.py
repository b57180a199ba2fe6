"""WeChat's door: every genuine push is noted once, taken in its transaction, and nothing else is believed."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import PushMessage, PushState
from tests.fakes import ARBOR_DAY_NOON
from tests.statements import counted
from wxbackend.core.db import reading
from wxbackend.core.push import PushTaken
from wxbackend.core.wxmini import PushEvent
from wxbackend.core.wxpay import WrongRecipient
from wxbackend.identity import jobs as identity_jobs
from wxbackend.messages import jobs
from wxbackend.messages.pushes import FRESH


class Takers:
    """Takes ``told`` events as it is told, and remembers them."""

    def __init__(self) -> None:
        self.taken: list[PushEvent] = []
        self.answer = PushTaken(PushState.DONE, {"trace_id": "t"})
        self.failure: Exception | None = None

    def __call__(self, session, event, now):
        self.taken.append(event)
        if self.failure:
            raise self.failure
        return self.answer


@pytest.fixture
def taker(app):
    taker = Takers()
    app.extensions["xiangshu.pushes"] = {"told": taker}
    return taker


@pytest.fixture
def pushed(client, ports):
    def push(body=b"sealed", *, event="told", key=None, openid="openid-wang", at=ARBOR_DAY_NOON):
        ports.push.events[body] = PushEvent(key or f"key-{body!r}", event, openid, at, {"Event": event})
        return client.post("/wx/push?msg_signature=x&timestamp=1&nonce=n", data=body)

    return push


def noted():
    with reading() as session:
        return session.scalars(select(PushMessage).order_by(PushMessage.key)).all()


def test_wechat_hears_its_own_words_when_the_address_is_configured(client):
    answer = client.get("/wx/push?signature=genuine&timestamp=1&nonce=n&echostr=%3Cb%3E77")
    assert (answer.status_code, answer.text) == (200, "<b>77")
    assert answer.content_type == "text/plain; charset=utf-8"


def test_an_address_check_that_is_not_genuine_is_401(client):
    assert client.get("/wx/push?signature=forged&echostr=77").status_code == 401


def test_a_genuine_push_is_taken_noted_and_answered_success(pushed, taker):
    answer = pushed()
    assert (answer.status_code, answer.text) == (200, "success")
    [row] = noted()
    assert (row.event, row.state, row.facts) == ("told", PushState.DONE, {"trace_id": "t"})
    assert [event.openid for event in taker.taken] == ["openid-wang"]


def test_a_repeated_push_is_answered_success_and_taken_once(pushed, taker):
    assert [pushed(b"a", key="same").text, pushed(b"b", key="same").text] == ["success", "success"]
    assert len(taker.taken) == len(noted()) == 1


def test_a_push_that_is_not_genuine_is_401_and_writes_nothing(client, taker, app):
    with counted() as statements:
        answer = client.post("/wx/push?msg_signature=forged", data=b"forged")
    assert (answer.status_code, answer.json["code"], taker.taken) == (401, "bad-push", [])
    assert len(statements) == 0


def test_a_push_for_another_appid_is_400_and_writes_nothing(client, ports, taker):
    ports.push.events[b"other"] = WrongRecipient()
    assert client.post("/wx/push", data=b"other").status_code == 400
    assert (noted(), taker.taken) == ([], [])


A_DAY, A_SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.mark.parametrize("off", [A_DAY + A_SECOND, -A_DAY - A_SECOND, timedelta(days=31)])
def test_a_push_of_another_day_is_401_and_writes_nothing(pushed, taker, off):
    """Somebody kept it: by now its key may be forgotten, and its openid belong to a new account."""
    with counted() as statements:
        answer = pushed(at=ARBOR_DAY_NOON - off)
    assert (answer.status_code, answer.json["code"], taker.taken) == (401, "bad-push", [])
    assert len(statements) == 0


@pytest.mark.parametrize("off", [A_DAY, -A_DAY])
def test_a_push_within_a_day_is_taken(pushed, taker, off):
    assert pushed(at=ARBOR_DAY_NOON - off).text == "success"
    assert len(taker.taken) == 1


def test_a_push_stays_known_for_longer_than_it_is_believed():
    assert identity_jobs.MESSAGES_KEPT > 2 * FRESH


def test_an_event_that_nobody_takes_is_ignored_and_noted(pushed, taker):
    assert pushed(event="unheard_of").text == "success"
    assert [(row.event, row.state, row.facts) for row in noted()] == [("unheard_of", PushState.IGNORED, {})]


def test_what_a_taker_breaks_off_leaves_no_note_so_that_wechat_repeats_it(pushed, taker):
    taker.failure = WrongRecipient()
    assert pushed().status_code == 400
    assert noted() == []
    taker.failure = None
    assert pushed().text == "success"
    assert [row.state for row in noted()] == [PushState.DONE]


def test_the_note_of_a_push_names_nobody(pushed, taker):
    pushed()
    [row] = noted()
    assert "openid" not in f"{row.key} {row.event} {row.facts}"


def test_a_waiting_push_is_taken_again_from_its_facts(pushed, taker):
    taker.answer = PushTaken(PushState.WAITING, {"trace_id": "t"})
    pushed()
    jobs.take_waiting_pushes()
    assert [row.state for row in noted()] == [PushState.WAITING]
    taker.answer = PushTaken(PushState.DONE, {"trace_id": "t"})
    jobs.take_waiting_pushes()
    assert [row.state for row in noted()] == [PushState.DONE]
    jobs.take_waiting_pushes()
    assert [(event.openid, dict(event.document)) for event in taker.taken[1:]] == [("", {"trace_id": "t"})] * 2


def test_a_waiting_push_is_given_up_after_a_day(pushed, taker, clock):
    taker.answer = PushTaken(PushState.WAITING, {})
    pushed()
    clock.forward(days=1)
    jobs.take_waiting_pushes()
    assert len(taker.taken) == 1


def test_one_waiting_push_that_fails_stops_no_other(pushed, taker):
    taker.answer = PushTaken(PushState.WAITING, {})
    pushed(b"a")
    pushed(b"b")
    taker.failure = ValueError("broken")
    jobs.take_waiting_pushes()
    assert len(taker.taken) == 4


def test_notes_of_pushes_go_after_thirty_days(pushed, taker, clock):
    pushed()
    clock.forward(days=29)
    identity_jobs.purge()
    assert len(noted()) == 1
    clock.moment += timedelta(days=1)
    identity_jobs.purge()
    assert noted() == []


def test_a_push_costs_two_statements(pushed, taker):
    with counted() as statements:
        pushed()
    assert len(statements) == 2
