"""Stubs of both WeChat hosts and adapters that talk to them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.wechat.paper import PayWorld
from tests.wechat.stub import Answer, Stub, serving


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> PayWorld:
    return PayWorld.made(Path(tmp_path_factory.mktemp("merchants")))


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Stub]]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(serving(answer))
