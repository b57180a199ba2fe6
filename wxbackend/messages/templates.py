"""The file of subscribe message templates (订阅消息模板): which template tells which kind of news, in which fields.

Every fault of it is reported at once, at start. Without a file residents have the inbox alone.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from models import MessageKind
from wxbackend.messages.rules import WORDINGS, Facts

#: The kinds of fields that WeChat offers; a number follows, as in ``thing1``.
FIELD = re.compile(
    r"(thing|number|letter|symbol|character_string|time|date|amount|phone_number|car_number|name|phrase|const)[0-9]{1,3}"
)
MOST_FIELDS = 5


class BadTemplates(ValueError):
    """``faults`` lists everything that is wrong with the file."""

    def __init__(self, path: Path, faults: Sequence[str]) -> None:
        super().__init__(f"{path}: " + "; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Template:
    """``fields`` names the fact that each of WeChat's fields shows; ``page`` where a tap leads."""

    id: str
    fields: Mapping[str, str]
    page: str

    def filled(self, facts: Facts) -> dict[str, str]:
        return {field: facts[fact] for field, fact in self.fields.items()}


Templates = Mapping[MessageKind, Template]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    template_id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-]{10,64}$")]
    fields: dict[str, str]
    page: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-/]+(\?[0-9A-Za-z_\-=&{}]*)?$")] | None = None


def read_templates(path: Path | None) -> Templates:
    """By kind; none without a file. Raises ``BadTemplates``."""
    if path is None:
        return MappingProxyType({})
    document = _parsed(path)
    faults: list[str] = []
    rows = {name: row for name, table in document.items() if (row := _row(name, table, faults)) is not None}
    faults += _shared_ids(rows)
    if faults:
        raise BadTemplates(path, faults)
    return MappingProxyType({MessageKind(name): _template(MessageKind(name), row) for name, row in rows.items()})


def _parsed(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadTemplates(path, [f"cannot be read: {error}"]) from None


def _row(name: str, table: object, faults: list[str]) -> _Row | None:
    if name not in set(MessageKind):
        faults.append(f"{name}: no such kind of message, only {', '.join(MessageKind)}")
        return None
    try:
        row = _Row.model_validate(table)
    except ValidationError as error:
        faults += [".".join([name, *map(str, part["loc"])]) + f": {part['msg']}" for part in error.errors()]
        return None
    faults += _faults(MessageKind(name), row)
    return row


def _faults(kind: MessageKind, row: _Row) -> Iterator[str]:
    known = WORDINGS[kind].facts
    if not 1 <= len(row.fields) <= MOST_FIELDS:
        yield f"{kind}.fields: a template has 1 to {MOST_FIELDS} fields"
    for field, fact in row.fields.items():
        if not FIELD.fullmatch(field):
            yield f"{kind}.fields: {field} is no field of WeChat's, such as thing1"
        if fact not in known:
            yield f"{kind}.fields.{field}: {fact} is not known, only {', '.join(sorted(known))}"


def _shared_ids(rows: Mapping[str, _Row]) -> list[str]:
    """A consent is given to a template: two kinds cannot share one."""
    ids = [row.template_id for row in rows.values()]
    return [f"template_id {one}: used for two kinds" for one in dict.fromkeys(ids) if ids.count(one) > 1]


def _template(kind: MessageKind, row: _Row) -> Template:
    return Template(row.template_id, MappingProxyType(dict(row.fields)), row.page or WORDINGS[kind].page)
