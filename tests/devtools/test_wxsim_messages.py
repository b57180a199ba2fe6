"""One-off subscription messages at the simulated mini-program host, through the unmodified wechatpy."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from wechatpy.exceptions import WeChatClientException

from wxbackend.devtools.wxsim import ControlFailed

SEND = "/cgi-bin/message/subscribe/send"
GOOD = {"thing1": {"value": "三棵油茶"}, "date2": {"value": "2026年11月22日"}, "amount3": {"value": "297.00元"}}


def errcode(call) -> int:
    with pytest.raises(WeChatClientException) as caught:
        call()
    return caught.value.errcode


@pytest.fixture
def send(mini, simulator, openid):
    simulator.control("POST", "templates", {"template_id": "T1", "fields": list(GOOD), "title": "认种成功"})
    simulator.control("POST", "consents", {"openid": openid, "template_id": "T1"})

    def message(data=GOOD, template_id="T1", touser=openid, page=None):
        return mini.wxa.send_subscribe_message(touser, template_id, data, page)

    return message


def left(simulator, openid):
    return simulator.control("GET", f"consents?openid={openid}")["consents"][0]["left"]


def test_a_message_uses_up_one_consent_and_stands_in_the_outbox(send, simulator, openid):
    assert send(page="pages/pledge/detail?id=7")["msgid"] > 0
    [message] = simulator.control("GET", f"messages?openid={openid}")["messages"]
    assert message["fields"] == {"thing1": "三棵油茶", "date2": "2026年11月22日", "amount3": "297.00元"}
    assert (message["page"], message["miniprogram_state"]) == ("pages/pledge/detail?id=7", "formal")
    assert left(simulator, openid) == 0


def test_a_second_message_needs_a_second_consent(send, simulator, openid):
    send()
    assert errcode(send) == 43101
    simulator.control("POST", "consents", {"openid": openid, "template_id": "T1", "count": 2})
    send()
    send()
    assert errcode(send) == 43101


def test_five_consents_let_five_of_twenty_messages_through_at_once(send, running, http, mini, simulator, openid):
    simulator.control("POST", "consents", {"openid": openid, "template_id": "T1", "count": 4})
    url, token = running.origin + SEND, {"access_token": mini.access_token}
    body = {"touser": openid, "template_id": "T1", "data": GOOD}
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: http.post(url, params=token, json=body).json()["errcode"], range(20)))
    assert sorted(answers) == [0] * 5 + [43101] * 15
    assert len(simulator.control("GET", "messages")["messages"]) == 5


def test_consents_add_up_and_zero_takes_them_back(send, simulator, openid):
    simulator.control("POST", "consents", {"openid": openid, "template_id": "T1", "count": 4})
    assert left(simulator, openid) == 5
    simulator.control("POST", "consents", {"openid": openid, "template_id": "T1", "count": 0})
    assert errcode(send) == 43101


def test_a_consent_is_for_one_template_only(send, simulator):
    simulator.control("POST", "templates", {"template_id": "T2", "fields": list(GOOD)})
    assert errcode(lambda: send(template_id="T2")) == 43101


def test_an_unknown_template_is_refused(send):
    assert errcode(lambda: send(template_id="T9")) == 40037


def test_an_unknown_receiver_is_refused(send, simulator):
    assert errcode(lambda: send(touser="onobody")) == 40003
    stranger = simulator.control("POST", "users", {"appid": "wxffffffffffffffff"})["openid"]
    assert errcode(lambda: send(touser=stranger)) == 40003


def test_a_page_must_be_published(send, simulator):
    simulator.control("POST", "pages", {"pages": ["pages/index/index"]})
    assert errcode(lambda: send(page="pages/other")) == 41030
    assert send(page="pages/index/index?a=1")["errcode"] == 0


def test_a_page_never_begins_with_a_slash(send):
    assert errcode(lambda: send(page="/pages/index/index")) == 41030


def test_a_wrong_field_uses_up_no_consent(send, simulator, openid):
    assert errcode(lambda: send(data=GOOD | {"thing1": {"value": "树" * 21}})) == 47003
    assert left(simulator, openid) == 1


@pytest.mark.parametrize(
    "data", [{}, None, [], {"thing1": {"value": "三"}}, GOOD | {"thing1": {"value": " "}}, GOOD | {"thing1": "三"}]
)
def test_every_field_must_be_there(send, data):
    assert errcode(lambda: send(data=data)) == 47003


RULES = {
    "thing": (["三棵油茶", "树" * 20, "A-1 号, ok", "🌳" * 10], ["树" * 21, "", "一行\n两行", "🌳" * 11]),
    "number": (["12", "0.50", "-3", "1" * 32, 7], ["1" * 33, "十", "1.", "1 2"]),
    "letter": (["abc", "A" * 32], ["a1", "A" * 33]),
    "symbol": (["!!", "@#￥"], ["a", "!!!!!!"]),
    "character_string": (["P261121ABC-01", "a" * 32], ["a" * 33, "编号1"]),
    "time": (["15:01", "2026年11月22日 15:01", "8:00~9:30"], ["下午三点", "2026年11月22日"]),
    "date": (
        ["2026年11月22日", "2026-11-22", "2026年11月22日 15:01", "2026年11月1日~2026年11月30日"],
        ["明天", "15:01"],
    ),
    "amount": (["¥12.5", "297.00元", "12", "￥1元"], ["十元", "12345678901", "1.234", "12 元"]),
    "phone_number": (["199-0000-0000", "+8619900000000"], ["1" * 18, "电话"]),
    "car_number": (["粤A12345", "粤A1234学"], ["粤粤A1", "A-123", "粤A123456学"]),
    "name": (["林小苗", "Lin Xiaomiao"], ["林" * 11, "x" * 21, "林lin"]),
    "phrase": (["已发货", "认种成功了"], ["认种已经成功", "ok", "好!"]),
}
CASES = [(kind, value, True) for kind, (good, _) in RULES.items() for value in good]
CASES += [(kind, value, False) for kind, (_, bad) in RULES.items() for value in bad]


@pytest.mark.parametrize(("kind", "value", "fits"), CASES)
def test_each_type_of_field_has_its_rule(mini, simulator, openid, kind, value, fits):
    simulator.control("POST", "templates", {"template_id": "T", "fields": [f"{kind}1"]})
    simulator.control("POST", "consents", {"openid": openid, "template_id": "T"})

    def send():
        return mini.wxa.send_subscribe_message(openid, "T", {f"{kind}1": {"value": value}})

    if fits:
        assert send()["errcode"] == 0
    else:
        assert errcode(send) == 47003


def test_the_refusal_names_the_field(send):
    with pytest.raises(WeChatClientException, match=r"data\.amount3\.value"):
        send(data=GOOD | {"amount3": {"value": "很多"}})


def test_state_and_language_are_checked(send, ask, openid):
    body = {"touser": openid, "template_id": "T1", "data": GOOD}
    assert errcode(lambda: ask(SEND, **body, miniprogram_state="release")) == 40097
    assert errcode(lambda: ask(SEND, **body, lang="de_DE")) == 40097
    assert ask(SEND, **body, miniprogram_state="trial", lang="zh_CN")["errcode"] == 0


def test_a_template_of_unknown_types_is_refused(simulator):
    with pytest.raises(ControlFailed, match="bad-template"):
        simulator.control("POST", "templates", {"template_id": "T", "fields": ["title1"]})
    assert simulator.control("GET", "templates")["templates"] == []
