"""The queues of bills, misfits and words in a real Chromium, on a desk and on a telephone."""

import os

import pytest

from models import Role
from tests.console.test_content import address, doubtful, mini  # noqa: F401
from tests.console.test_in_chromium import chromium, sign_in, site  # noqa: F401
from tests.console.test_reconciliation import DAY, LIST, desk, disputed  # noqa: F401


@pytest.mark.parametrize("width", [1366, 390])
def test_pages_fit_their_window_and_run_nothing(office, disputed, doubtful, site, chromium, width):  # noqa: F811
    """A dedication that is a script stands there as text; a complaint would be one that ran."""
    page, folder = chromium.page, os.environ.get("CONSOLE_PICTURES")
    page.set_viewport_size({"width": width, "height": 844})
    sign_in(page, site, office.hire(*Role))
    paths = {"days": LIST, "day": DAY, "words": "/console/content", "word": address(), "misfits": "/console/mismatches"}
    for name, path in paths.items():
        answer = page.goto(f"{site}{path}")
        assert answer.status == 200, path
        if folder:
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        assert not chromium.is_wider_than_its_window(), path
    assert chromium.complaints == []
