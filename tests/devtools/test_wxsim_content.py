"""Moderation at the simulated mini-program host: texts at once, pictures later."""

from io import BytesIO

import pytest
from PIL import Image
from wechatpy.exceptions import WeChatClientException

from wxbackend.devtools.wxsim import ControlFailed

TEXT = "/wxa/msg_sec_check"
MEDIA = "/wxa/media_check_async"


def errcode(call) -> int:
    with pytest.raises(WeChatClientException) as caught:
        call()
    return caught.value.errcode


def picture() -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 8), "green").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def check(ask, visitor):
    def text(content="给家乡种三棵树", **changes):
        return ask(TEXT, **({"version": 2, "scene": 1, "openid": visitor, "content": content} | changes))

    return text


@pytest.fixture
def submit(ask, visitor, receiver):
    receiver.pictures["/a.png"] = picture()

    def media(path="/a.png", **changes):
        fields = {"version": 2, "scene": 1, "openid": visitor, "media_type": 2, "media_url": receiver.origin + path}
        return ask(MEDIA, **(fields | changes))

    return media


@pytest.fixture
def results(simulator, receiver):
    """The events about pictures that reached the backend, opened."""

    def opened() -> list[dict]:
        simulator.control("POST", "flush", {"until": "end"})
        settings, appid = simulator.world.mini.push.settings, simulator.world.app.appid
        return [post.opened(settings, appid) for post in receiver.posts]

    return opened


def test_a_harmless_text_passes(check):
    answer = check()
    assert answer["result"] == {"suggest": "pass", "label": 100}
    assert len(answer["trace_id"]) == 26


@pytest.mark.parametrize(
    ("content", "suggest"),
    [("这里违规", "risky"), ("这里存疑", "review"), ("存疑又违规", "risky"), ("违规存疑", "risky")],
)
def test_the_worst_word_decides(check, content, suggest):
    assert check(content)["result"]["suggest"] == suggest


@pytest.mark.parametrize("field", ["title", "nickname", "signature"])
def test_the_other_texts_are_read_too(check, field):
    assert check(**{field: "违规"})["result"]["suggest"] == "risky"


def test_words_are_ordered_and_put_back_by_control(check, simulator):
    simulator.control("POST", "content-rules", {"word": "广告", "suggest": "review", "label": 10001})
    assert check("卖广告")["result"] == {"suggest": "review", "label": 10001}
    assert "广告" in simulator.control("GET", "content-rules")["words"]
    simulator.control("DELETE", "content-rules")
    assert check("卖广告")["result"]["suggest"] == "pass"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": 1}, 40097),
        ({"scene": 0}, 40097),
        ({"scene": 5}, 40097),
        ({"scene": True}, 40097),
        ({"content": ""}, 40097),
        ({"content": "树" * 2501}, 45002),
        ({"nickname": "名" * 501}, 40097),
        ({"openid": ""}, 40097),
        ({"openid": "onobody"}, 40003),
    ],
)
def test_a_text_check_reads_its_parameters_strictly(check, change, expected):
    assert errcode(lambda: check(**change)) == expected


def test_the_longest_text_is_judged(check):
    assert check("树" * 2500)["errcode"] == 0


def test_the_first_version_of_the_body_is_refused(mini):
    assert errcode(lambda: mini.wxa.check_text_security("你好")) == 40097


def test_a_user_who_never_came_is_not_judged(ask, openid):
    assert errcode(lambda: ask(TEXT, version=2, scene=1, openid=openid, content="好")) == 61010


def test_a_visit_is_forgotten_after_two_hours_and_a_login_is_a_visit(check, simulator, mini, visitor):
    simulator.control("POST", "clock", {"advance_s": 7100})
    assert check()["errcode"] == 0
    simulator.control("POST", "clock", {"advance_s": 101})
    assert errcode(check) == 61010
    mini.wxa.code_to_session(simulator.control("POST", "login-codes", {"openid": visitor})["code"])
    assert check()["errcode"] == 0


def test_a_phone_code_is_a_visit(check, simulator, ask, openid):
    simulator.control("POST", "clock", {"advance_s": 7201})
    code = simulator.control("POST", "phone-codes", {"openid": openid})["code"]
    ask("/wxa/business/getuserphonenumber", code=code, openid=openid)
    assert check()["errcode"] == 0


def test_an_openid_of_another_mini_program_is_refused(check, simulator):
    stranger = simulator.control("POST", "users", {"appid": "wxffffffffffffffff"})["openid"]
    assert errcode(lambda: check(openid=stranger)) == 43104


def test_control_knows_no_visit_of_nobody(simulator):
    with pytest.raises(ControlFailed, match="not-found"):
        simulator.control("POST", "visits", {"openid": "onobody"})


def test_a_picture_is_judged_later_by_an_event_with_the_same_trace_id(submit, results, simulator, visitor):
    answer = submit()
    [event] = results()
    assert event["trace_id"] == answer["trace_id"]
    assert (event["MsgType"], event["Event"], event["FromUserName"]) == ("event", "wxa_media_check", visitor)
    assert (event["version"], event["errcode"], event["appid"]) == (2, 0, simulator.world.app.appid)
    assert event["result"] == {"suggest": "pass", "label": 100}
    assert event["detail"][0]["strategy"] == "content_model"


def test_control_decides_the_verdict_of_a_picture(submit, results, simulator):
    simulator.control("POST", "media-rules", {"url": r"a\.png$", "suggest": "risky", "label": 20002, "times": 1})
    submit()
    submit()
    assert sorted(event["result"]["suggest"] for event in results()) == ["pass", "risky"]
    assert simulator.control("GET", "media-rules")["rules"][0]["times"] == 0


def test_a_result_that_never_arrives(submit, results, simulator):
    simulator.control("POST", "media-rules", {"lost": True})
    submit()
    assert results() == []
    assert simulator.control("GET", "media-checks")["checks"][0]["outcome"] == "lost"
    simulator.control("DELETE", "media-rules")
    submit()
    assert len(results()) == 1


def test_a_late_result_waits_for_its_time(submit, simulator, receiver):
    simulator.control("POST", "media-rules", {"delay_s": 1800})
    submit()
    simulator.control("POST", "flush", {})
    assert receiver.posts == []
    simulator.control("POST", "clock", {"advance_s": 1801})
    simulator.control("POST", "flush", {})
    assert len(receiver.posts) == 1


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("/gone.png", None, "http 404"),
        ("/b.png", b"<html>", "no picture"),
        ("/big.png", b"0" * (10 << 20) + b"0", "10 MB"),
    ],
)
def test_a_picture_that_nobody_can_fetch_is_no_verdict(submit, results, receiver, path, content, why):
    if content is not None:
        receiver.pictures[path] = content
    submit(path)
    [event] = results()
    assert event["errcode"] == -1008
    assert why in event["errmsg"]
    assert "result" not in event


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.png", "http://127.0.0.1:x/a.png", "http://127.0.0.1:9/树.png"])
def test_a_picture_at_a_dead_address_is_no_verdict(submit, results, url):
    submit(media_url=url)
    assert results()[0]["errcode"] == -1008


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": 1}, 40097),
        ({"scene": 9}, 40097),
        ({"media_type": 1}, 40097),
        ({"media_url": "ftp://example.com/a"}, 40097),
        ({"media_url": ""}, 40097),
        ({"media_url": "http://[::1"}, 40097),
        ({"media_url": "https:///a.png"}, 40097),
        ({"openid": "onobody"}, 40003),
    ],
)
def test_a_picture_check_reads_its_parameters_strictly(submit, change, expected):
    assert errcode(lambda: submit(**change)) == expected


def test_a_picture_needs_a_recent_visit_too(submit, simulator):
    simulator.control("POST", "clock", {"advance_s": 7201})
    assert errcode(submit) == 61010


def test_a_rule_must_be_a_regular_expression(simulator):
    with pytest.raises(ControlFailed, match="bad-url"):
        simulator.control("POST", "media-rules", {"url": "("})


def test_pictures_run_out_per_minute(submit, simulator):
    simulator.control("POST", "quotas", {"path": MEDIA, "per_minute": 1})
    submit()
    assert errcode(submit) == 45009
