"""Questions and answers about messages."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from models import InboxMessage, MessageKind
from wxbackend.core.schema import Answer, Moment, Page, Schema
from wxbackend.messages.templates import Templates


class MessagePath(Schema):
    message_id: Annotated[str, Field(min_length=1, max_length=40)]


class MessageAnswer(Answer):
    """One message. ``page`` is the page of the mini-program that a tap opens; ``read_at`` null while unread."""

    id: str
    kind: MessageKind
    title: str
    body: str
    page: str
    created_at: Moment
    read_at: Moment | None

    @classmethod
    def of(cls, row: InboxMessage) -> "MessageAnswer":
        return cls(
            id=row.public_id,
            kind=row.kind,
            title=row.title,
            body=row.body,
            page=row.page,
            created_at=row.created_at,
            read_at=row.read_at,
        )


class InboxAnswer(Page[MessageAnswer]):
    """A page of the inbox; ``unread`` counts the whole of it."""

    unread: int


class TemplateAnswer(Answer):
    """A template to ask consent for (``wx.requestSubscribeMessage``)."""

    kind: MessageKind
    template_id: str


class TemplatesAnswer(Answer):
    items: list[TemplateAnswer]

    @classmethod
    def of(cls, templates: Templates) -> "TemplatesAnswer":
        return cls(items=[TemplateAnswer(kind=kind, template_id=found.id) for kind, found in templates.items()])


class ConsentsBody(Schema):
    """The kinds whose templates a person has just accepted, each once."""

    accepted: Annotated[list[MessageKind], Field(min_length=1, max_length=len(MessageKind))]

    @field_validator("accepted")
    @classmethod
    def _each_once(cls, kinds: list[MessageKind]) -> list[MessageKind]:
        if len(set(kinds)) < len(kinds):
            raise ValueError("同一类消息只能出现一次")
        return kinds


class ConsentAnswer(Answer):
    kind: MessageKind
    remaining: int


class ConsentsAnswer(Answer):
    """How many messages of each kind may still be sent."""

    items: list[ConsentAnswer]

    @classmethod
    def of(cls, counts: Mapping[MessageKind, int]) -> "ConsentsAnswer":
        return cls(items=[ConsentAnswer(kind=kind, remaining=counts[kind]) for kind in sorted(counts)])
