"""In and out: sign-in, activation of an account, confirmation by a fresh code, one's own sessions."""

import qrcode
from flask import Blueprint, Response, flash, request
from flask import session as browser
from qrcode.constants import ERROR_CORRECT_M

from certificates.qr import code_drawing
from wxbackend.console.forms import CodeForm, ConsoleForm, PasswordForm, SignInForm
from wxbackend.console.frame import HOME, go, go_back_to, page, refusals_on
from wxbackend.core import audit
from wxbackend.core.db import reading, transaction
from wxbackend.core.limits import by_address, limiter
from wxbackend.core.policies import allow, any_staff, current_caller, public
from wxbackend.core.ports import ports, vault
from wxbackend.staff import entrance, passwords, service, sessions, totp
from wxbackend.staff.callers import cookie_token, drop_cookie, set_cookie

bp = Blueprint("entrance", __name__)


@bp.get("/login")
@allow(public)
def ask() -> Response:
    """The sign-in form."""
    return page("sign_in.html", form=SignInForm())


@bp.post("/login")
@limiter.limit("30/minute", key_func=by_address)
@allow(public)
def sign_in() -> Response:
    """Open a session, or show the form again with the one refusal there is."""
    form = SignInForm()
    if form.validate():
        with refusals_on(form):
            return _let_in(form)
    return page("sign_in.html", form=form, status=form.status)


def _let_in(form: SignInForm) -> Response:
    token, now = ports().new_token(), ports().now()
    typed = entrance.Attempt(form.username.data, form.password.data, form.code.data, replaces=cookie_token())
    entrance.enter(typed, token=token, safe=vault(), now=now)
    return _with_new_cookie(go_back_to(request.args.get("next", HOME)), token)


def _with_new_cookie(response: Response, token: str) -> Response:
    """A new token for a new standing; forms of the pages before are void."""
    browser.clear()
    set_cookie(response, token)
    return response


@bp.post("/logout")
@allow(any_staff)
def sign_out() -> Response:
    """End this session."""
    caller, now = current_caller(), ports().now()
    with transaction() as session:
        sessions.end_by_id(session, session_id=caller.session_id, now=now)
        audit.record(session, caller=caller, action="staff.sign-out", on=("staff_session", "current"), now=now)
    browser.clear()
    response = go("entrance.ask")
    drop_cookie(response)
    return response


@bp.get("/confirm")
@allow(any_staff)
def ask_code() -> Response:
    """Ask for a fresh code before an act that needs one."""
    return page("confirm.html", form=CodeForm(), back=request.args.get("next", HOME))


@bp.post("/confirm")
@limiter.limit("10/minute")
@allow(any_staff)
def confirm() -> Response:
    """Take the code and go back to where it was asked for."""
    form, back = CodeForm(), request.args.get("next", HOME)
    if form.validate():
        with refusals_on(form):
            return _confirmed(form, back)
    return page("confirm.html", form=form, back=back, status=form.status)


def _confirmed(form: CodeForm, back: str) -> Response:
    caller, token = current_caller(), ports().new_token()
    entrance.confirm(
        staff_id=caller.id,
        session_id=caller.session_id,
        code=form.code.data,
        token=token,
        safe=vault(),
        now=ports().now(),
    )
    response = _with_new_cookie(go_back_to(back), token)
    flash("已确认，十分钟内可以复核", "good")
    return response


@bp.get("/activate/<string:link_token>")
@limiter.limit("30/minute", key_func=by_address)
@allow(public)
def welcome(link_token: str) -> Response:
    """The owner of a one-time link chooses a password."""
    with reading() as session:
        who = service.invited(session, link_token=link_token, now=ports().now())
    return page("activate.html", form=PasswordForm(), username=who.username, link_token=link_token)


@bp.post("/activate/<string:link_token>")
@limiter.limit("30/minute", key_func=by_address)
@allow(public)
def choose_password(link_token: str) -> Response:
    """Keep the password, show the TOTP secret this once."""
    form = PasswordForm()
    if form.validate():
        with refusals_on(form):
            return _show_secret(link_token, form)
    return _welcome_again(link_token, form)


def _welcome_again(link_token: str, form: ConsoleForm) -> Response:
    with reading() as session:
        who = service.invited(session, link_token=link_token, now=ports().now())
    return page("activate.html", form=form, username=who.username, link_token=link_token, status=form.status)


def _show_secret(link_token: str, form: PasswordForm) -> Response:
    random = ports().random_bytes
    secret = totp.new_secret(random(totp.SECRET_BYTES))
    username = entrance.choose_password(
        link_token,
        form.password.data,
        salt=random(passwords.SALT_BYTES),
        secret=secret,
        safe=vault(),
        now=ports().now(),
    )
    picture = _scannable(totp.setup_uri(secret, username=username))
    return page("second_factor.html", form=CodeForm(), picture=picture, secret=secret, link_token=link_token)


def _scannable(uri: str) -> str:
    """The code as SVG. Unlike a plate's it has lower-case letters, and lives on a screen."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(uri)
    code.make(fit=True)
    return code_drawing(tuple(tuple(bool(module) for module in row) for row in code.modules))


@bp.post("/activate/<string:link_token>/code")
@limiter.limit("30/minute", key_func=by_address)
@allow(public)
def prove_totp(link_token: str) -> Response:
    """The first code opens the account; a wrong one shows the field again, without the secret."""
    form = CodeForm()
    if form.validate():
        with refusals_on(form):
            entrance.prove_totp(link_token, form.code.data, safe=vault(), now=ports().now())
            flash("账号已启用，请等待下一个动态码后登录", "good")
            return go("entrance.ask")
    return page("second_factor.html", form=form, picture="", secret="", link_token=link_token, status=form.status)


@bp.get("/sessions")
@allow(any_staff)
def list_sessions() -> Response:
    """Where I am signed in."""
    caller = current_caller()
    with reading() as session:
        rows = sessions.list_sessions(session, staff_id=caller.id, now=ports().now())
    return page("sessions.html", rows=rows, current_id=caller.session_id, handle_of=sessions.handle_of)


@bp.post("/sessions/<string:handle>/end")
@allow(any_staff)
def end_session(handle: str) -> Response:
    """Sign another browser out."""
    caller, now = current_caller(), ports().now()
    with transaction() as session:
        sessions.end_session(session, staff_id=caller.id, handle=handle, now=now)
        audit.record(session, caller=caller, action="staff.end-session", on=("staff_session", handle), now=now)
    flash("该登录已结束", "good")
    return go("entrance.list_sessions")
