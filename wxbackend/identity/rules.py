"""Names and phone numbers of persons. Pure."""

from certificates.fonts import FontBook, MissingGlyphs, normalise_name
from wxbackend.core.errors import InvalidInput

NAME_LENGTH = 30
PHONE_LENGTH = 11  # of mainland numbers; longer ones carry a country code


def printable_name(text: str, *, field: str, fonts: FontBook) -> str:
    """The name as it will be printed: single blanks, the dot of identity cards. ``field`` is a JSON pointer.

    Raises ``InvalidInput`` for one that is too long, has no letter, or has characters no font draws; it names them.
    """
    name = normalise_name(text)
    if len(name) > NAME_LENGTH:
        raise InvalidInput.at(field, f"姓名不能超过 {NAME_LENGTH} 个字")
    try:
        fonts.require(name)
    except MissingGlyphs as missing:
        raise InvalidInput.at(field, f"以下字符无法打印在证书上，{missing}") from missing
    if not any(character.isalpha() for character in name):
        raise InvalidInput.at(field, "姓名中应有文字")
    return name


def mask_phone(phone: str) -> str:
    """138****1234; of a short number nothing but its last two digits."""
    head = phone[: len(phone) - 8] if len(phone) >= PHONE_LENGTH else ""
    return f"{head}****{phone[-4:] if head else phone[-2:]}"
