"""What ships with the program: the regions of 揭阳 and the species that its papers name."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from models import RegionLevel

DATA = Path(__file__).resolve().parents[1] / "data"
YES_NO = {"是": True, "否": False, "": None}


def shipped_regions() -> list[dict[str, Any]]:
    """Rows of ``region``, parents before their children."""
    rows = [
        {
            "code": row["code"],
            "level": RegionLevel(row["level"]),
            "name": row["name"],
            "parent_code": row["parent"] or None,
        }
        for row in _read("regions.csv")
    ]
    levels = list(RegionLevel)
    return sorted(rows, key=lambda row: (levels.index(row["level"]), row["code"]))


def shipped_species(new_id: Callable[[], str]) -> list[dict[str, Any]]:
    """Rows of ``species``. Latin name and nativeness stay empty where no source is certain about them."""
    return [
        {
            "public_id": new_id(),
            "name": row["name"],
            "latin": row["latin"] or None,
            "native": YES_NO[row["native"]],
            "use": row["use"] or None,
            "source": row["source"] or None,
        }
        for row in _read("species.csv")
    ]


def _read(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
