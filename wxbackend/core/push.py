"""Who takes what WeChat pushes: features register takers by event in the factory, ``messages`` runs them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models import PushState
from wxbackend.core.wxmini import PushEvent


@dataclass(frozen=True, slots=True)
class PushTaken:
    """What became of a push. ``facts`` are kept for 30 days, as plain JSON without personal data.

    A push that is ``WAITING`` is taken again every minute for a day, as an event whose ``document`` is ``facts`` and
    whose ``openid`` is empty: they have to suffice, so they keep WeChat's own names.
    """

    state: PushState
    facts: Mapping[str, Any] = field(default_factory=dict)


#: Takes one event in the transaction that notes it, knowing the moment; calls nobody outside. It may be given the same
#: event twice, and is told of none that is not genuine.
PushTaker = Callable[[Session, PushEvent, datetime], PushTaken]
