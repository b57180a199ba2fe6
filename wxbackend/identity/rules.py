"""Names and phone numbers of persons. Pure."""

from unicodedata import category

from certificates.fonts import FontBook, MissingGlyphs, normalise_name
from wxbackend.core.errors import InvalidInput

NAME_LENGTH = 30
NICKNAME_LENGTH = 32
#: Joins the parts of one emoji; every other invisible character could turn or hide what stands beside it.
JOINER = "\u200d"
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


def plain_nickname(text: str, *, field: str) -> str:
    """A nickname of one line, with single blanks, and with nothing in it that cannot be seen.

    Raises ``InvalidInput`` for one of which nothing is left, or that is too long. ``field`` is a JSON pointer.
    """
    seen = "".join(letter for letter in text if letter == JOINER or not category(letter).startswith("C"))
    nickname = " ".join(seen.split())
    if not nickname.strip(JOINER):
        raise InvalidInput.at(field, "昵称中应有可见的文字")
    if len(nickname) > NICKNAME_LENGTH:
        raise InvalidInput.at(field, f"昵称不能超过 {NICKNAME_LENGTH} 个字")
    return nickname


def mask_phone(phone: str) -> str:
    """138****1234; of a short number nothing but its last two digits."""
    head = phone[: len(phone) - 8] if len(phone) >= PHONE_LENGTH else ""
    return f"{head}****{phone[-4:] if head else phone[-2:]}"
