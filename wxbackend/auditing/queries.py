"""Every query of the auditor.

Nothing here is shared with the code that books: a mistake there must not hide itself here. The SQL is the same on
SQLite and PostgreSQL. A new kind of transfer, account or state has to be told to the auditor, or it is reported.
"""

from wxbackend.auditing.certificates import CERTIFICATES
from wxbackend.auditing.ledger import LEDGER
from wxbackend.auditing.payments import PAYMENTS
from wxbackend.auditing.reconciliation import RECONCILIATION
from wxbackend.auditing.refunds import REFUNDS
from wxbackend.auditing.states import STATES
from wxbackend.auditing.stock import STOCK

QUERIES = (*LEDGER, *PAYMENTS, *REFUNDS, *RECONCILIATION, *STOCK, *CERTIFICATES, *STATES)
