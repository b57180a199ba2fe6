"""The worker's part of fulfilment."""

from collections.abc import Mapping
from typing import Any

from wxbackend.core.db import transaction
from wxbackend.core.ports import ports
from wxbackend.fulfilment import service as fulfilment
from wxbackend.honours.tools import issuing_tools


def fulfil_pledge(payload: Mapping[str, Any]) -> None:
    with transaction() as session:
        fulfilment.fulfil(session, number=payload["pledge"], tools=issuing_tools(), now=ports().now())
