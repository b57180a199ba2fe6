"""What every question and answer has in common: base schemas, instants, pages."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator
from pydantic.json_schema import GenerateJsonSchema

from wxbackend.core.dates import CHINA
from wxbackend.core.errors import InvalidInput

LARGEST_INTEGER = 2**53 - 1  # beyond it a JavaScript client loses digits
PAGE_LIMIT = 50


def _is_clean(value: Any) -> bool:
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
        case bool() | None:
            return True
        case int():
            return abs(value) <= LARGEST_INTEGER
        case dict():
            return all(_is_clean(k) and _is_clean(v) for k, v in value.items())
        case list():
            return all(map(_is_clean, value))
    return True


class Schema(BaseModel):
    """Base of everything read from a request. Unknown fields are refused; so is what no database can store."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    _schemas: ClassVar[dict[tuple[type, str], dict[str, Any]]] = {}

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        if not _is_clean(value):
            raise ValueError("含有无法保存的字符或过大的数字")
        return value

    @classmethod
    def model_json_schema(
        cls,
        by_alias: bool | None = True,  # noqa: FBT001, FBT002
        ref_template: str = "#/$defs/{model}",
        schema_generator: type[GenerateJsonSchema] = GenerateJsonSchema,
        mode: Any = "validation",
        **options: Any,
    ) -> dict[str, Any]:
        """The schema, built once: flask-openapi asks for it on every request with a query."""
        key = (cls, f"{ref_template}{mode}{by_alias}")
        if key not in Schema._schemas:
            Schema._schemas[key] = super().model_json_schema(by_alias, ref_template, schema_generator, mode, **options)
        return Schema._schemas[key]


class Answer(BaseModel):
    """Base of everything we answer: only declared fields leave."""

    model_config = ConfigDict(frozen=True)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(CHINA).isoformat(timespec="seconds")


#: An instant as RFC 3339 with the offset of China.
Moment = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str)]
Item = TypeVar("Item")


class Page(Answer, Generic[Item]):
    """One page; ``next_cursor`` is null on the last."""

    items: list[Item]
    next_cursor: str | None


def encode_cursor(*position: int | str) -> str:
    return urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _decode_cursor(text: object) -> tuple[int | str, ...]:
    try:
        position = json.loads(urlsafe_b64decode(f"{text}==".encode()))
        if isinstance(position, list) and all(isinstance(p, int | str) and _is_clean(p) for p in position):
            return tuple(position)
    except (ValueError, RecursionError):
        pass
    raise ValueError("翻页标记无效")


class PageQuery(Schema):
    """``cursor`` is the ``next_cursor`` of the page before."""

    cursor: Annotated[str, Field(max_length=200)] | None = None
    limit: int = Field(default=20, ge=1, le=PAGE_LIMIT)

    def after(self, *kinds: type) -> tuple[Any, ...] | None:
        """The position of the cursor, whose parts must be of ``kinds``; ``None`` on the first page."""
        if self.cursor is None:
            return None
        try:
            position = _decode_cursor(self.cursor)
        except ValueError as error:
            raise InvalidInput.at("/query/cursor", str(error)) from error
        if tuple(map(type, position)) != kinds:
            raise InvalidInput.at("/query/cursor", "翻页标记无效")
        return position


class NewestFirstQuery(PageQuery):
    """Pages by falling id."""

    def before_id(self) -> int | None:
        position = self.after(int)
        return int(position[0]) if position else None


def cut_page(rows: Sequence[Item], limit: int, *, position: Any) -> tuple[Sequence[Item], str | None]:
    """Split ``limit + 1`` fetched rows into a page and the cursor of the next; ``position(row)`` is a tuple."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(*position(rows[limit - 1]))
