"""The public page behind a plate's code."""

import re
from datetime import date

import pytest

from models import DedicationStatus, TreeAdoption, TreeLife
from wxbackend.trees.rules import LIFE_STATES

CSS = "/static/public.css"
LARGEST_PAGE_BYTES = 30_000


def style(client):
    with client.get(CSS) as answer:  # a file that is closed with its answer
        assert answer.status_code == 200
        return answer.text


@pytest.mark.parametrize("path", ["/t/{}", "/T/{}"])
@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_page_opens_in_either_case(client, grove, path, change):
    tree = grove.given(holder_name="林小苗")[0]
    page = client.get(path.format(change(tree.token)))
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert all(words in page.text for words in ("荔枝", "Litchi chinensis", "揭阳市普宁市示范镇示范村", "林*"))


def test_page_has_no_script_no_inline_style_and_no_outside_address(client, grove):
    tree = grove.given()[0]
    page = client.get(f"/t/{tree.token}")
    assert "script" not in page.text
    assert "style=" not in page.text
    assert "<style" not in page.text
    assert not re.search(r'(src|href)="(https?:)?//', page.text)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]


def test_page_and_its_style_are_small(client, grove):
    tree = grove.given(
        dedication="愿" * 60, dedication_status=DedicationStatus.APPROVED, holder_name="林小苗", occasion="乔迁"
    )[0]
    page, code = client.get(f"/t/{tree.token}"), client.get(f"/v1/trees/{tree.token}/code.svg")
    assert len(page.data) + len(style(client).encode()) + len(code.data) < LARGEST_PAGE_BYTES


@pytest.mark.parametrize("life", TreeLife)
def test_state_stands_in_words_colour_and_shape(client, grove, life):
    tree = grove.given()[0]
    grove.change(tree, life=life)
    text = client.get(f"/t/{tree.token}").text
    state = LIFE_STATES[life]
    shape = {"waiting": "○", "good": "✓", "care": "▲", "gone": "✕"}[state.tone]
    assert f'class="state state-{state.tone}"' in text
    assert f'aria-hidden="true">{shape}</span> {state.text}' in text


def test_page_of_an_unplanted_tree_says_so(client, grove):
    text = client.get(f"/t/{grove.given()[0].token}").text
    assert "树还没有种下" in text
    assert "<dt>种植日期</dt><dd>待种植</dd>" in text
    assert "已种植" not in text


def test_page_of_a_planted_tree_has_its_date(client, grove):
    tree = grove.given()[0]
    grove.change(tree, life=TreeLife.ALIVE, planted_on=date(2026, 3, 12))
    text = client.get(f"/t/{tree.token}").text
    assert "<dt>种植日期</dt><dd>2026年3月12日</dd>" in text
    assert "树还没有种下" not in text


def test_old_tree_without_a_date_says_that_none_is_on_record(client, grove):
    tree = grove.standing(grove.make.base(), planted_on=None)
    text = client.get(f"/t/{tree.token}").text
    assert "<dt>种植日期</dt><dd>未登记</dd>" in text
    assert "<dt>认养状态</dt><dd>可认养</dd>" in text
    assert "认养人" not in text


def test_giver_who_stays_anonymous_is_not_named(client, grove):
    tree = grove.given(display="anonymous", holder_name="林小苗")[0]
    assert "<dt>认种人</dt><dd>未公开</dd>" in client.get(f"/t/{tree.token}").text


def test_dedication_is_text_and_never_markup(client, grove):
    tree = grove.given(dedication="<b>长青</b>", dedication_status=DedicationStatus.APPROVED)[0]
    assert "&lt;b&gt;长青" in client.get(f"/t/{tree.token}").text


def test_elders_get_larger_letters_and_a_way_back(client, grove):
    token = grove.given()[0].token
    page, large = client.get(f"/t/{token}").text, client.get(f"/t/{token}?large=1").text
    assert f'href="/t/{token}?large=1">长者模式' in page
    assert '<html lang="zh-CN" class="large">' in large
    assert f'href="/t/{token}">标准字号' in large


def test_unknown_code_gets_a_page_of_the_same_look(client, grove):
    page = client.get("/t/NOTHING")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "未查到该树" in page.text
    assert CSS in page.text


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def schemes(style):
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    return [{n: full(c) for n, c in re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block)} for block in blocks]


def full(colour):
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])


@pytest.mark.parametrize("scheme", [0, 1])
def test_letters_stand_out_in_both_colour_schemes(client, scheme):
    colours = schemes(style(client))[scheme]
    pairs = [(ink, paper) for ink in ("ink", "quiet", "green") for paper in ("card", "ground")]
    pairs += [(f"{tone}-ink", tone) for tone in ("good", "waiting", "care", "gone")]
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: value for pair, value in weak.items() if value < 4.5} == {}


def test_adopted_old_tree_calls_its_giver_by_the_right_word(client, grove):
    tree = grove.given(kind="adopt", holder_name="陈新叶")[0]
    grove.change(tree, life=TreeLife.ALIVE, adoption=TreeAdoption.ADOPTED)
    text = client.get(f"/t/{tree.token}").text
    assert "<dt>认养人</dt><dd>陈*</dd>" in text
    assert "<dd>已认养</dd>" in text
