"""Forms of the staff site. Bounds are those of the columns and of the services behind them."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.validators import EqualTo, InputRequired, Length, Regexp

from wxbackend.core.errors import Problem

REQUIRED = InputRequired("请填写")
UNSUBMITTED, REFUSED = 200, 422


def stripped(text: str | None) -> str | None:
    return text.strip() if text else text


class ConsoleForm(FlaskForm):  # type: ignore[misc]  # untyped library
    """A form that can also show why a service refused it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._refusal: Problem | None = None

    def refuse(self, problem: Problem) -> None:
        self._refusal = problem

    @property
    def refusal(self) -> str | None:
        """What to show above the fields."""
        return (self._refusal.detail or self._refusal.title) if self._refusal else None

    @property
    def status(self) -> int:
        """The status with which the form is shown."""
        if self._refusal:
            return self._refusal.status
        return REFUSED if self.errors else UNSUBMITTED


def _code_field() -> StringField:
    return StringField(
        "动态码",
        filters=[stripped],
        validators=[REQUIRED, Regexp(r"[0-9]{6}\Z", message="请输入 6 位数字")],
        render_kw={"inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": 6},
    )


class SignInForm(ConsoleForm):
    username = StringField(
        "用户名",
        filters=[stripped],
        validators=[REQUIRED, Length(max=32, message="用户名过长")],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "autofocus": True},
    )
    password = PasswordField(
        "密码",
        validators=[REQUIRED, Length(max=128, message="密码过长")],
        render_kw={"autocomplete": "current-password"},
    )
    code = _code_field()


class PasswordForm(ConsoleForm):
    password = PasswordField(
        "新密码",
        validators=[REQUIRED, Length(min=12, max=128, message="密码长度须为 12 至 128 个字符")],
        render_kw={"autocomplete": "new-password"},
        description="至少 12 个字符。建议用几个互不相关的词组成，不要用姓名、单位、年份。",
    )
    again = PasswordField(
        "再输入一次",
        validators=[REQUIRED, EqualTo("password", message="两次输入不一致")],
        render_kw={"autocomplete": "new-password"},
    )


class CodeForm(ConsoleForm):
    code = _code_field()


def _reason_field(label: str, *, hint: str = "") -> TextAreaField:
    return TextAreaField(
        label,
        description=hint,
        filters=[stripped],
        validators=[REQUIRED, Length(min=4, max=200, message="请用 4 至 200 个字说明理由")],
        render_kw={"rows": 2, "maxlength": 200},
    )


class ReasonForm(ConsoleForm):
    """A reason that stays in the trail."""

    reason = _reason_field("理由")


class PublicReasonForm(ConsoleForm):
    """Why a certificate ends. Whoever verifies it reads this."""

    reason = _reason_field("理由（将向公众显示）", hint="将向公众显示，请勿填写姓名、电话。")


class ViewingForm(ConsoleForm):
    """Why somebody looks at personal data. It has a name of its own: it stands on one page with a ``ReasonForm``."""

    purpose = _reason_field("查看理由")


class NoteForm(ConsoleForm):
    note = StringField(
        "意见",
        filters=[stripped],
        validators=[Length(max=200, message="意见不超过 200 字")],
        render_kw={"maxlength": 200},
    )
