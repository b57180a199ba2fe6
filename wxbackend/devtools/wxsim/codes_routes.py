"""POST wxa/getwxacodeunlimit: a picture, or JSON with HTTP 200 when it refuses."""

from wxbackend.devtools.wxsim.codes import CodeForm, read_code_form, read_env
from wxbackend.devtools.wxsim.codes_links import read_expiry, read_path, read_query
from wxbackend.devtools.wxsim.codes_pages import Env
from wxbackend.devtools.wxsim.codes_picture import draw_code
from wxbackend.devtools.wxsim.people import MiniRefusal
from wxbackend.devtools.wxsim.wire import Answer, Request, json_answer, json_bytes
from wxbackend.devtools.wxsim.world import World

MOST_UNCHECKED_PAGES = 60_000


def mint_code(world: World, request: Request) -> Answer:
    """POST wxa/getwxacodeunlimit."""
    codes = world.mini.codes
    if codes.disguised:
        refusal = {"errcode": codes.disguised.popleft(), "errmsg": "system error"}
        return Answer(200, json_bytes(refusal), {"Content-Type": "image/jpeg"})
    form = read_code_form(request.json())
    _check_page(world, form)
    codes.minted.append(form)
    picture = draw_code(f"{form.env_version}/{form.page}?{form.scene}", width_px=form.width, hyaline=form.is_hyaline)
    kind = "png" if form.is_hyaline else "jpeg"
    headers = {"Content-Type": f"image/{kind}", "Content-Disposition": f'attachment; filename="qrcode.{kind}"'}
    return Answer(200, picture, headers)


def _check_page(world: World, form: CodeForm) -> None:
    """``check_path`` false lets any page through, but WeChat keeps only so many of them."""
    env = Env(form.env_version)
    if form.check_path:
        pages = world.mini.pages
        exists = pages.has(form.page, env=env) if form.page else pages.is_published(env=env)
        if not exists:
            raise MiniRefusal(41030, "invalid page")
        return
    unchecked = world.mini.codes.unchecked_pages
    if form.page not in unchecked and len(unchecked) >= MOST_UNCHECKED_PAGES:
        raise MiniRefusal(45029, "qrcode count out of limit")
    unchecked.add(form.page)


def make_link(world: World, request: Request) -> Answer:
    """POST wxa/generate_urllink."""
    body, now = request.json(), world.clock.now()
    path, query, env = read_path(body), read_query(body), read_env(body)
    pages = world.mini.pages
    if not (pages.has(path, env=env) if path else pages.is_published(env=env)):
        raise MiniRefusal(40165, "invalid weapp pagepath")
    link = world.mini.links.keep(path=path, query=query, env=env, expires_at=read_expiry(body, now=now), now=now)
    return json_answer({"errcode": 0, "errmsg": "ok", "url_link": link.url})
