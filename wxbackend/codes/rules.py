"""What a mini-program code says, and which work asks WeChat for it. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import date

from wxbackend.core.outbox import Work

MINT = "code.mint"
#: The widths that are handed out, in pixels: anybody may ask, so there are few.
WIDTHS_PX = (280, 430, 860, 1280)
DEFAULT_WIDTH_PX = 430


@dataclass(frozen=True, slots=True)
class CodeWish:
    """A code that opens ``page`` of the mini-program with ``scene``, at most 32 characters, ``width_px`` wide."""

    scene: str
    page: str
    width_px: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.scene}|{self.page}|{self.width_px}".encode()).hexdigest()

    def work(self, *, on: date) -> Work:
        """Ask for it; a page that is not published yet is asked for again on another day."""
        return Work(MINT, f"{self.digest}:{on}", self._payload())

    def _payload(self) -> dict[str, str | int]:
        return {"scene": self.scene, "page": self.page, "width_px": self.width_px}
