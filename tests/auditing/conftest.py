"""One healthy county an engine: the tests falsify it inside transactions that are rolled back."""

from collections.abc import Iterator

import pytest

from tests.auditing.healthy import Healthy
from tests.databases import Template


@pytest.fixture(scope="module")
def healthy(template: Template) -> Iterator[Healthy]:
    with template.copy() as url:
        made = Healthy(url)
        made.build()
        yield made
