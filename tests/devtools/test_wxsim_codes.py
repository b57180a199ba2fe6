"""Mini-program codes and URL links, through the unmodified wechatpy."""

from io import BytesIO

import pytest
from PIL import Image
from wechatpy.exceptions import WeChatClientException

CODE = "/wxa/getwxacodeunlimit"
LINK = "/wxa/generate_urllink"
PAGE = "pages/tree/index"


def errcode(call) -> int:
    with pytest.raises(WeChatClientException) as caught:
        call()
    return caught.value.errcode


def test_a_code_is_a_picture_of_the_asked_width(mini, simulator):
    answer = mini.wxa.get_wxa_code_unlimited("t=ABC", width=300, page=PAGE)
    assert answer.headers["Content-Type"] == "image/jpeg"
    with Image.open(BytesIO(answer.content)) as image:
        image.load()
        assert (image.format, image.size) == ("JPEG", (300, 300))
        assert image.info["comment"] == f"release/{PAGE}?t=ABC".encode()
    [minted] = simulator.control("GET", "codes")["codes"]
    assert (minted["scene"], minted["page"], minted["env_version"]) == ("t=ABC", PAGE, "release")


def test_a_clear_code_is_a_png_without_background(mini):
    answer = mini.wxa.get_wxa_code_unlimited("t=ABC", is_hyaline=True)
    assert answer.headers["Content-Type"] == "image/png"
    with Image.open(BytesIO(answer.content)) as image:
        image.load()
        assert (image.format, image.mode) == ("PNG", "RGBA")
        assert image.getpixel((0, 0))[3] == 0


def test_two_scenes_make_two_pictures_and_one_scene_one(mini):
    first, again, other = (mini.wxa.get_wxa_code_unlimited(scene).content for scene in ("t=A", "t=A", "t=B"))
    assert first == again != other


@pytest.mark.parametrize("scene", ["a" * 32, "!#$&'()*+,/:;=?@-._~", "0"])
def test_every_allowed_character_makes_a_scene(mini, scene):
    assert mini.wxa.get_wxa_code_unlimited(scene).content


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"scene": ""}, 40169),
        ({"scene": "a" * 33}, 40169),
        ({"scene": 7}, 40169),
        ({"scene": "树"}, 40129),
        ({"scene": "a b"}, 40129),
        ({"scene": "a%20"}, 40129),
        ({"page": "/pages/tree/index"}, 41030),
        ({"page": "pages/tree/index?a=1"}, 41030),
        ({"width": 279}, 40097),
        ({"width": 1281}, 40097),
        ({"width": "430"}, 40097),
        ({"env_version": "beta"}, 40097),
        ({"is_hyaline": "yes"}, 40097),
        ({"check_path": 0}, 40097),
    ],
)
def test_a_code_reads_its_parameters_strictly(ask, change, expected):
    assert errcode(lambda: ask(CODE, **({"scene": "t=A", "page": PAGE} | change))) == expected


@pytest.mark.parametrize("width", [280, 1280])
def test_the_widths_at_both_ends_are_drawn(ask, width):
    assert ask(CODE, scene="t=A", width=width).content


def test_a_page_is_published_per_environment(ask, simulator):
    simulator.control("POST", "pages", {"pages": []})
    simulator.control("POST", "pages", {"pages": [PAGE], "env": "trial"})
    assert errcode(lambda: ask(CODE, scene="t=A", page=PAGE)) == 41030
    assert errcode(lambda: ask(CODE, scene="t=A")) == 41030
    assert ask(CODE, scene="t=A", page=PAGE, env_version="trial").content
    assert ask(CODE, scene="t=A", page="pages/any", env_version="develop").content
    assert simulator.control("GET", "pages") == {"release": [], "trial": [PAGE]}


def test_an_unchecked_page_need_not_exist_but_their_number_is_limited(ask, simulator):
    simulator.control("POST", "pages", {"pages": []})
    assert ask(CODE, scene="t=A", page=PAGE, check_path=False).content
    simulator.world.mini.codes.unchecked_pages |= {f"pages/{number}" for number in range(59_999)}
    assert ask(CODE, scene="t=B", page=PAGE, check_path=False).content
    assert errcode(lambda: ask(CODE, scene="t=A", page="pages/new", check_path=False)) == 45029


def test_the_minute_has_a_quota_that_the_next_minute_renews(ask, simulator):
    assert simulator.control("GET", "quotas")["per_minute"][CODE] == 5000
    simulator.control("POST", "quotas", {"path": CODE, "per_minute": 2})
    ask(CODE, scene="t=A")
    ask(CODE, scene="t=B")
    assert errcode(lambda: ask(CODE, scene="t=C")) == 45009
    simulator.control("POST", "clock", {"advance_s": 60})
    assert ask(CODE, scene="t=C").content


def test_a_refusal_may_come_under_the_type_of_a_picture(running, http, mini, simulator):
    simulator.control("POST", "codes/disguise", {"errcode": -1})
    url, token = running.origin + CODE, {"access_token": mini.access_token}
    answer = http.post(url, params=token, json={"scene": "t=A"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.json()["errcode"] == -1
    assert http.post(url, params=token, json={"scene": "t=A"}).content[:2] == b"\xff\xd8"


def test_a_link_opens_a_page_until_its_end(ask, simulator):
    url = ask(LINK, path="/pages/tree/index", query="t=A", expire_type=1, expire_interval=30)["url_link"]
    [link] = simulator.control("GET", "links")["links"]
    assert (link["url"], link["path"], link["query"], link["is_open"]) == (url, PAGE, "t=A", True)
    simulator.control("POST", "clock", {"advance_s": 30 * 86400})
    assert simulator.control("GET", "links")["links"][0]["is_open"] is False


def test_a_link_may_end_at_a_moment(ask, simulator):
    moment = int(simulator.world.clock.now()) + 3600
    ask(LINK, path=PAGE, expire_time=moment)
    assert simulator.control("GET", "links")["links"][0]["expires_at"] == moment


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"query": "a=树"}, 40212),
        ({"query": "a" * 1025}, 40097),
        ({"path": "pages/a?b=1"}, 40165),
        ({"path": "pages/unknown"}, 40165),
        ({"expire_type": 1, "expire_interval": 31}, 85401),
        ({"expire_type": 1, "expire_interval": 0}, 85401),
        ({"expire_type": 1}, 85401),
        ({"expire_type": 2}, 40097),
        ({"expire_time": 1}, 85401),
        ({"env_version": "beta"}, 40097),
    ],
)
def test_a_link_reads_its_parameters_strictly(ask, simulator, change, expected):
    simulator.control("POST", "pages", {"pages": [PAGE]})
    assert errcode(lambda: ask(LINK, **({"path": PAGE} | change))) == expected


def test_links_run_out_for_the_day(ask, simulator):
    ask(LINK, path=PAGE)
    simulator.world.mini.links.made_today = 500_000
    assert errcode(lambda: ask(LINK, path=PAGE)) == 45009
    simulator.control("POST", "clock", {"advance_s": 86400})
    assert ask(LINK, path=PAGE)["errcode"] == 0
