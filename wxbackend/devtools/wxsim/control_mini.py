"""The control API's part about the mini-program host: moderation, messages, codes, shipping, faults.

======================================  ============================================================================
``POST visits``                         ``{openid}`` is in the mini-program now: moderation knows it for two hours
``GET|POST|DELETE content-rules``       ``{word, suggest?, label?}``; a new rule for a word replaces the old one
``GET|POST|DELETE media-rules``         ``{url?, suggest?, label?, delay_s?, lost?, times?}``, first match first
``GET media-checks``                    every picture handed in and what became of it
``GET|POST templates``                  ``{template_id, title?, fields: ["thing1", "date2", …]}``
``GET|POST consents``                   ``{openid, template_id, count?}`` adds consents, ``count: 0`` takes them back
``GET messages``                        ``?openid=``; the messages that reached users
``GET|POST pages``                      ``{pages, env?}`` publishes exactly these pages
``GET codes``, ``POST codes/disguise``  minted codes; ``{errcode?, times?}`` = JSON under the type of a picture
``GET links``                           URL links and when they end
``GET|POST shipping``                   ``?transaction_id=``; ``{managed?, known_after_s?}``
``POST shipping/confirm``, ``/settle``  ``{transaction_id, settle?}``: the user confirms receipt; the term is over
``POST shipping/remind``                ``{transaction_id?}``: trade_manage_remind_shipping
``POST shipping/remind-access``         trade_manage_remind_access_api
``POST mini-faults``                    ``{path, errcode, errmsg?, times?}``: an errcode as the real host words it
``GET|POST quotas``                     ``{path, per_minute}``
======================================  ============================================================================
"""

from dataclasses import asdict

from wxbackend.devtools.wxsim.content import Verdict, default_words
from wxbackend.devtools.wxsim.control import ControlHandler, Desk, Unknown, read
from wxbackend.devtools.wxsim.control_bodies import CodeBody
from wxbackend.devtools.wxsim.control_mini_bodies import (
    ConsentBody,
    DisguiseBody,
    MediaRuleBody,
    MiniFaultBody,
    PagesBody,
    QuotaBody,
    TemplateBody,
    WordBody,
)
from wxbackend.devtools.wxsim.faults import Fault
from wxbackend.devtools.wxsim.media import MediaRule
from wxbackend.devtools.wxsim.mini_errors import errmsg_of
from wxbackend.devtools.wxsim.subscribe import Template
from wxbackend.devtools.wxsim.wire import Json, Request, Route


def note_visit(desk: Desk, request: Request) -> Json:
    openid = read(request, CodeBody).openid
    with desk.world.lock:
        user = desk.world.people.users.get(openid)
        if user is None:
            raise Unknown(openid)
        user.visited_at = desk.world.clock.now()
        return {"openid": openid, "visited_at": user.visited_at}


def put_word(desk: Desk, request: Request) -> Json:
    body = read(request, WordBody)
    with desk.world.lock:
        desk.world.mini.content.words[body.word] = Verdict(body.suggest, body.label)
    return list_words(desk, request)


def list_words(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        words = desk.world.mini.content.words
        return {"words": {word: verdict.facts() for word, verdict in words.items()}}


def reset_words(desk: Desk, request: Request) -> Json:
    with desk.world.lock:
        desk.world.mini.content.words = default_words()
    return list_words(desk, request)


def put_media_rule(desk: Desk, request: Request) -> Json:
    body = read(request, MediaRuleBody)
    rule = MediaRule(body.url, body.verdict(), body.delay_s, body.lost, body.times)
    with desk.world.lock:
        desk.world.mini.media.rules.append(rule)
    return rule.facts()


def list_media_rules(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        return {"rules": [rule.facts() for rule in desk.world.mini.media.rules]}


def clear_media_rules(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        desk.world.mini.media.rules.clear()
    return {"rules": []}


def list_media_checks(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        return {"checks": [check.facts() for check in desk.world.mini.media.checks]}


def put_template(desk: Desk, request: Request) -> Json:
    body = read(request, TemplateBody)
    template = Template(body.template_id, body.title, tuple(body.fields))
    with desk.world.lock:
        desk.world.mini.subscriptions.templates[template.template_id] = template
    return asdict(template)


def list_templates(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        return {"templates": [asdict(template) for template in desk.world.mini.subscriptions.templates.values()]}


def put_consent(desk: Desk, request: Request) -> Json:
    body = read(request, ConsentBody)
    with desk.world.lock:
        consents = desk.world.mini.subscriptions.consents
        key = (body.openid, body.template_id)
        consents[key] = consents[key] + body.count if body.count else 0
        return {"openid": body.openid, "template_id": body.template_id, "left": consents[key]}


def list_consents(desk: Desk, request: Request) -> Json:
    wanted = request.query.get("openid")
    with desk.world.lock:
        held = desk.world.mini.subscriptions.consents.items()
        rows = [
            {"openid": openid, "template_id": template_id, "left": left}
            for (openid, template_id), left in held
            if wanted in {None, openid}
        ]
        return {"consents": rows}


def list_messages(desk: Desk, request: Request) -> Json:
    wanted = request.query.get("openid")
    with desk.world.lock:
        outbox = desk.world.mini.subscriptions.outbox
        return {"messages": [asdict(message) for message in outbox if wanted in {None, message.openid}]}


def put_pages(desk: Desk, request: Request) -> Json:
    body = read(request, PagesBody)
    with desk.world.lock:
        desk.world.mini.pages.publish(frozenset(body.pages), env=body.env)
    return list_pages(desk, request)


def list_pages(desk: Desk, _request: Request) -> Json:
    """An environment that is not named here has every page."""
    with desk.world.lock:
        return {env.value: sorted(pages) for env, pages in desk.world.mini.pages.published.items()}


def list_codes(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        return {"codes": [asdict(form) for form in desk.world.mini.codes.minted]}


def disguise_codes(desk: Desk, request: Request) -> Json:
    body = read(request, DisguiseBody)
    with desk.world.lock:
        desk.world.mini.codes.disguised.extend([body.errcode] * body.times)
        return {"disguised": list(desk.world.mini.codes.disguised)}


def list_links(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        now = desk.world.clock.now()
        links = desk.world.mini.links.links.values()
        return {"links": [asdict(link) | {"is_open": now < link.expires_at} for link in links]}


def add_mini_fault(desk: Desk, request: Request) -> Json:
    body = read(request, MiniFaultBody)
    refusal = {"errcode": body.errcode, "errmsg": body.errmsg or errmsg_of(body.errcode)}
    fault = Fault(path=body.path, times=body.times, json=refusal)
    with desk.world.lock:
        desk.world.faults.add(fault)
    return asdict(fault)


def put_quota(desk: Desk, request: Request) -> Json:
    body = read(request, QuotaBody)
    with desk.world.lock:
        desk.world.mini.quotas.per_minute[body.path] = body.per_minute
    return list_quotas(desk, request)


def list_quotas(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        return {"per_minute": dict(desk.world.mini.quotas.per_minute)}


ROUTES: tuple[Route[ControlHandler], ...] = (
    Route("POST", "/_control/visits", note_visit),
    Route("POST", "/_control/content-rules", put_word),
    Route("GET", "/_control/content-rules", list_words),
    Route("DELETE", "/_control/content-rules", reset_words),
    Route("POST", "/_control/media-rules", put_media_rule),
    Route("GET", "/_control/media-rules", list_media_rules),
    Route("DELETE", "/_control/media-rules", clear_media_rules),
    Route("GET", "/_control/media-checks", list_media_checks),
    Route("POST", "/_control/templates", put_template),
    Route("GET", "/_control/templates", list_templates),
    Route("POST", "/_control/consents", put_consent),
    Route("GET", "/_control/consents", list_consents),
    Route("GET", "/_control/messages", list_messages),
    Route("POST", "/_control/pages", put_pages),
    Route("GET", "/_control/pages", list_pages),
    Route("GET", "/_control/codes", list_codes),
    Route("POST", "/_control/codes/disguise", disguise_codes),
    Route("GET", "/_control/links", list_links),
    Route("POST", "/_control/mini-faults", add_mini_fault),
    Route("POST", "/_control/quotas", put_quota),
    Route("GET", "/_control/quotas", list_quotas),
)
