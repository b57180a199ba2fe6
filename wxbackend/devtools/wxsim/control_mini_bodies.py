"""Bodies of the control API's part about the mini-program host."""

from typing import Any

from pydantic import Field

from wxbackend.devtools.wxsim.codes_pages import Env
from wxbackend.devtools.wxsim.content import CRIME_LABEL, Suggest, Verdict
from wxbackend.devtools.wxsim.control_bodies import ControlBody
from wxbackend.devtools.wxsim.push import PushForgery, PushMode
from wxbackend.devtools.wxsim.push_box import MOST_COPIES, PushHandling


class WordBody(ControlBody):
    """A text that holds ``word`` is judged so; the worst of all words counts."""

    word: str = Field(min_length=1)
    suggest: Suggest = Suggest.RISKY
    label: int = CRIME_LABEL


class MediaRuleBody(ControlBody):
    """``url`` is a regular expression; ``lost`` pictures are never answered; ``times`` -1 is for ever."""

    url: str = ""
    suggest: Suggest = Suggest.PASS
    label: int = 100
    delay_s: float = Field(default=0, ge=0)
    lost: bool = False
    times: int = Field(default=-1, ge=-1)

    def verdict(self) -> Verdict:
        return Verdict(self.suggest, self.label)


class TemplateBody(ControlBody):
    template_id: str = Field(min_length=1)
    title: str = ""
    fields: list[str] = Field(min_length=1)


class ConsentBody(ControlBody):
    """``count`` 0 takes back what is left: the user switched messages off."""

    openid: str
    template_id: str
    count: int = Field(default=1, ge=0, le=10_000)


class PagesBody(ControlBody):
    """Exactly these exist in ``env`` from now on; none is a mini-program that was never published there."""

    pages: list[str]
    env: Env = Env.RELEASE


class DisguiseBody(ControlBody):
    errcode: int = -1
    times: int = Field(default=1, ge=1, le=1000)


class ShippingBody(ControlBody):
    managed: bool | None = None
    known_after_s: float | None = Field(default=None, ge=0)


class TransactionBody(ControlBody):
    transaction_id: str


class ConfirmBody(TransactionBody):
    """``settle`` false leaves the money frozen although receipt is confirmed."""

    settle: bool = True


class RemindBody(ControlBody):
    """Without a transaction id every payment of more than 48 hours that was not shipped is reminded of."""

    transaction_id: str | None = None


class MiniFaultBody(ControlBody):
    path: str
    errcode: int
    errmsg: str | None = None
    times: int = 1


class QuotaBody(ControlBody):
    path: str
    per_minute: int = Field(ge=0)


class PushSettingsBody(ControlBody):
    """What is left out stays; an empty ``url`` switches message push off. ``verify`` saves a url only if it echoes."""

    url: str | None = Field(default=None, pattern=r"^(https?://.+)?$")
    token: str | None = Field(default=None, pattern=r"^[0-9A-Za-z]{3,32}$")
    aes_key: str | None = None
    mode: PushMode | None = None
    patience_s: float | None = Field(default=None, gt=0, le=60)
    verify: bool = False


class VerifyBody(ControlBody):
    forged: bool = False


class PushHandlingBody(ControlBody):
    copies: int = Field(default=1, ge=1, le=MOST_COPIES)
    delay_s: float = Field(default=0, ge=0)
    hold: bool = False
    drop: bool = False
    forge: PushForgery | None = None

    def handling(self) -> PushHandling:
        return PushHandling(**{name: getattr(self, name) for name in PushHandlingBody.model_fields})


class PushPlanBody(PushHandlingBody):
    times: int = Field(default=1, ge=1, le=10_000)


class PushBody(PushHandlingBody):
    """``fields`` go into the event as they are; ``openid`` is its sender."""

    event: str = Field(min_length=1)
    openid: str | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
