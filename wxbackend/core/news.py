"""News for residents: whoever causes it puts it into the outbox in the transaction that makes it true."""

from models import MessageKind
from wxbackend.core.outbox import Work

TELL = "message.tell"


def news(kind: MessageKind, document: str) -> Work:
    """The work of telling a resident about ``document``, once. What there is to say is read when it is told.

    ``document`` is the number of a pledge (PAID, PLANTED) or of a refund, the serial of a certificate; for TREE_NEWS
    ``number@key`` with the tree's number, for POINTS_EXPIRING ``resident@day@days``: the part after ``@`` makes it
    different from other news about the same.
    """
    return Work(TELL, f"{kind}:{document}", {"kind": str(kind), "document": document})
