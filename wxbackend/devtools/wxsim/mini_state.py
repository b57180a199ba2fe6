"""What the mini-program host knows besides users and tokens."""

from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.codes import MintedCodes
from wxbackend.devtools.wxsim.codes_links import LinkBook
from wxbackend.devtools.wxsim.codes_pages import Pages
from wxbackend.devtools.wxsim.content import ContentRules
from wxbackend.devtools.wxsim.media import MediaDesk
from wxbackend.devtools.wxsim.mini_quota import Quotas
from wxbackend.devtools.wxsim.push import PushSettings
from wxbackend.devtools.wxsim.push_box import PushBox
from wxbackend.devtools.wxsim.shipping import ShippingDesk
from wxbackend.devtools.wxsim.subscribe import Subscriptions


@dataclass(slots=True)
class MiniState:
    """State only; whoever touches it holds the world's lock."""

    content: ContentRules = field(default_factory=ContentRules)
    media: MediaDesk = field(default_factory=MediaDesk)
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    pages: Pages = field(default_factory=Pages)
    codes: MintedCodes = field(default_factory=MintedCodes)
    links: LinkBook = field(default_factory=LinkBook)
    shipping: ShippingDesk = field(default_factory=ShippingDesk)
    quotas: Quotas = field(default_factory=Quotas)
    push: PushBox = field(default_factory=PushBox)


def fresh_state(push: PushSettings) -> MiniState:
    """The first day again, with the console's settings of message push as they are."""
    return MiniState(push=PushBox(settings=push))
