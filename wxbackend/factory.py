"""The application: one factory that reads like a table of contents."""

from pathlib import Path
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Flask
from flask_migrate import Migrate
from flask_openapi import APIBlueprint, Info
from werkzeug.middleware.proxy_fix import ProxyFix

from wxbackend.bases import routes as bases
from wxbackend.campaigns import routes as campaigns
from wxbackend.catalogue import routes as catalogue
from wxbackend.codes import jobs as codes_jobs
from wxbackend.codes import routes as codes
from wxbackend.console import site as console
from wxbackend.content import exports as content_exports
from wxbackend.content import jobs as content_jobs
from wxbackend.content import routes as content
from wxbackend.content.service import NAME_DECIDED
from wxbackend.core import checkup, docs, health, problems
from wxbackend.core.crypto import BlindIndex, FieldCipher, Vault
from wxbackend.core.db import db, engine_options
from wxbackend.core.faults import FaultBook
from wxbackend.core.headers import register_headers
from wxbackend.core.http import (
    SafeJson,
    SafeRequest,
    invalid_input,
    limit_bodies,
    problem_response,
    refuse_nul,
    register_errors,
)
from wxbackend.core.idempotency import Replay
from wxbackend.core.limits import limiter
from wxbackend.core.log import configure_logs
from wxbackend.core.openapi import Api
from wxbackend.core.outbox import Handler
from wxbackend.core.policies import allow, enforce, public, require_policies
from wxbackend.core.ports import Ports
from wxbackend.core.push import PushTaker
from wxbackend.core.settings import CODE_HOST_LENGTH, ROOT, Settings
from wxbackend.core.worker import Timed
from wxbackend.fulfilment import jobs as fulfilment_jobs
from wxbackend.fulfilment.service import FULFIL
from wxbackend.honours import jobs as honours_jobs
from wxbackend.honours import routes as honours
from wxbackend.honours.service import DRAW
from wxbackend.honours.tools import build_tools
from wxbackend.identity import erasure, exports, forgetting, privacy
from wxbackend.identity import jobs as identity_jobs
from wxbackend.identity import routes as identity
from wxbackend.identity.callers import signed_in_resident
from wxbackend.messages import jobs as messages_jobs
from wxbackend.messages import routes as messages
from wxbackend.messages.service import erase_messages
from wxbackend.messages.templates import read_templates
from wxbackend.payments import jobs as payments_jobs
from wxbackend.payments import routes as payments
from wxbackend.pledges import routes as pledges
from wxbackend.points import routes as points
from wxbackend.portability import service as portability
from wxbackend.receipts import routes as receipts
from wxbackend.receipts.service import erase_receipts
from wxbackend.reconciliation import jobs as reconciliation_jobs
from wxbackend.refunds import jobs as refunds_jobs
from wxbackend.refunds import routes as refunds
from wxbackend.refunds.forgetting import erase_explanations
from wxbackend.regions import routes as regions
from wxbackend.shipping import jobs as shipping_jobs
from wxbackend.staff.callers import signed_in_staff
from wxbackend.storage.local import LocalStorage
from wxbackend.trees import pages as tree_pages
from wxbackend.trees import routes as trees
from wxbackend.wechat.live import live_gateway, live_mini, live_push

FEATURES: tuple[APIBlueprint | Blueprint, ...] = (
    health.bp,
    docs.bp,
    problems.bp,
    identity.bp,
    content.bp,
    content.media,
    regions.bp,
    catalogue.bp,
    campaigns.bp,
    bases.bp,
    trees.bp,
    tree_pages.bp,
    codes.bp,
    pledges.bp,
    payments.bp,
    payments.callbacks,
    messages.bp,
    messages.callbacks,
    refunds.bp,
    receipts.bp,
    points.bp,
    honours.bp,
    honours.pages,
    console.bp,
)
RESOLVERS = {
    "public": lambda _policy: None,
    "wechat": lambda _policy: None,
    "operator": health.only_operator,
    "resident": signed_in_resident,
    "staff": signed_in_staff,
}
BODIES = {"putAvatar": content.PICTURE_BODY, "uploadAvatar": content.PICTURE_BODY}
#: From what is created to the operations that read it.
LINKS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "createPledge": (
        ("read", "getPledge", "number", "$response.body#/number"),
        ("pay", "createPayment", "number", "$response.body#/number"),
        ("sync", "syncPledge", "number", "$response.body#/number"),
        ("cancel", "cancelPledge", "number", "$response.body#/number"),
    ),
    "createPayment": (("pledge", "getPledge", "number", "$request.path.number"),),
    "requestRefund": (
        ("read", "getRefund", "number", "$response.body#/number"),
        ("withdraw", "withdrawRefund", "number", "$response.body#/number"),
        ("pledge", "getPledge", "number", "$request.path.number"),
    ),
    "requestReceipt": (
        ("read", "getReceipt", "number", "$request.path.number"),
        ("withdraw", "withdrawReceipt", "number", "$request.path.number"),
    ),
}
#: Who does the messages of a topic (outbox).
HANDLERS: tuple[tuple[str, Handler], ...] = (
    *identity_jobs.HANDLERS,
    *payments_jobs.HANDLERS,
    *refunds_jobs.HANDLERS,
    *reconciliation_jobs.HANDLERS,
    *messages_jobs.HANDLERS,
    *shipping_jobs.HANDLERS,
    *codes_jobs.HANDLERS,
    (FULFIL, fulfilment_jobs.fulfil_pledge),
    (DRAW, honours_jobs.draw_files),
    (NAME_DECIDED, honours_jobs.issue_decided),
)
#: Who takes what WeChat pushes, by event. Events that nobody takes are noted and ignored.
PUSHES: dict[str, PushTaker] = {**privacy.PUSHES, **content_jobs.PUSHES, **shipping_jobs.PUSHES}
#: What the leading worker runs by the clock.
TIMETABLE: tuple[Timed, ...] = (
    *checkup.TIMETABLE,
    *identity_jobs.TIMETABLE,
    *payments_jobs.TIMETABLE,
    *refunds_jobs.TIMETABLE,
    *reconciliation_jobs.TIMETABLE,
    *fulfilment_jobs.TIMETABLE,
    *messages_jobs.TIMETABLE,
    *shipping_jobs.TIMETABLE,
    *content_jobs.TIMETABLE,
)
#: What a person's copy of their data consists of, and who destroys what at an erasure.
EXPORTS: tuple[exports.Section, ...] = (*exports.SECTIONS, *portability.SECTIONS, *content_exports.SECTIONS)
ERASERS: tuple[erasure.Eraser, ...] = (
    *erasure.ERASERS,
    erase_receipts,
    erase_explanations,
    erase_messages,
    forgetting.erase_content,
)
MAX_BODY_BYTES = 1_000_000


def create_app(settings: Settings | None = None, ports: Ports | None = None) -> Flask:
    """Build the application. Opens no connection and starts no thread: it is forked afterwards."""
    settings = settings or Settings.from_env()
    configure_logs(as_json=settings.log_json)
    if settings.code_host_is_long:
        structlog.get_logger().warning("code-host-long", url=settings.code_base_url, longest=CODE_HOST_LENGTH)
    app = Api(
        "wxbackend",
        root_path=str(ROOT / "wxbackend"),
        info=Info(title="乡树 · 认种认捐认养", version="1.0.0"),
        doc_ui=False,
        validation_error_callback=lambda error: problem_response(invalid_input(error)),
    )
    _configure(app, settings)
    _plug_in(app, settings, ports or _live_ports(settings))
    _register(app)
    return app


def _configure(app: Api, settings: Settings) -> None:
    app.openapi_version = "3.1.0"
    app.links = LINKS
    app.bodies = BODIES
    app.json = SafeJson(app)
    app.request_class = SafeRequest
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        RATELIMIT_STORAGE_URI=settings.redis_url.get_secret_value() if settings.redis_url else "memory://",
        RATELIMIT_ENABLED=settings.rate_limits,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_production,
    )
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]


def _plug_in(app: Flask, settings: Settings, ports: Ports) -> None:
    cipher, index = FieldCipher(settings.field_keys), BlindIndex(settings.index_key_bytes)
    app.extensions["xiangshu.settings"] = settings
    app.extensions["xiangshu.ports"] = ports
    app.extensions["xiangshu.faults"] = FaultBook(ports.now)
    safe = Vault(cipher, index, ports.random_bytes)
    app.extensions["xiangshu.vault"] = safe
    app.extensions["xiangshu.issuing"] = build_tools(settings, ports, safe)
    app.extensions["xiangshu.schema_version"] = health.newest_migration()
    app.extensions["xiangshu.handlers"] = dict(HANDLERS)
    app.extensions["xiangshu.timetable"] = TIMETABLE
    app.extensions["xiangshu.pushes"] = PUSHES
    app.extensions["xiangshu.templates"] = read_templates(settings.wx_templates_file)
    app.extensions["xiangshu.exports"] = EXPORTS
    app.extensions["xiangshu.erasers"] = ERASERS
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), compare_type=True)


def _register(app: Api) -> None:
    register_headers(app)
    health.measure(app)
    limit_bodies(app)
    refuse_nul(app)
    enforce(app, RESOLVERS)
    limiter.init_app(app)
    register_errors(app)
    app.register_error_handler(Replay, lambda replay: replay.response)
    for bp in FEATURES:
        if isinstance(bp, APIBlueprint):
            app.register_api(bp)
        else:
            app.register_blueprint(bp)
    allow(public)(app.view_functions["static"])
    require_policies(app, RESOLVERS)


def _live_ports(settings: Settings) -> Ports:
    """The real WeChat and the real disk; reached by their addresses, never by a fake in the process."""
    return Ports(
        mini=live_mini(
            appid=settings.wx_appid,
            secret=settings.wx_appsecret.get_secret_value(),
            base_url=settings.wx_api_base,
            redis_url=settings.redis_url.get_secret_value() if settings.redis_url else None,
            has_database=True,
        ),
        pay=live_gateway(
            appid=settings.wx_appid,
            merchants_file=settings.wxpay_merchants_file,
            base_url=settings.wxpay_api_base,
        ),
        storage=LocalStorage(Path(urlsplit(settings.storage_url).path)),
        push=live_push(
            appid=settings.wx_appid,
            token=settings.wx_push_token.get_secret_value() if settings.wx_push_token else "",
            aes_key=settings.wx_push_aes_key.get_secret_value() if settings.wx_push_aes_key else "",
        ),
    )
