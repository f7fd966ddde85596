"""What the sandbox knows and never forgets, in a SQLite file of its own. Card numbers are not in
it."""

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from booking.billing.gateways.protocol import Charge, KeptCard, Outcome, Result
from booking.billing.rules.cards import VOIDED

_TABLES = """
CREATE TABLE IF NOT EXISTS card (
    token TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE, number_kind TEXT NOT NULL,
    brand TEXT NOT NULL, last4 TEXT NOT NULL, expires TEXT NOT NULL,
    payer TEXT NOT NULL DEFAULT '', forgotten INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS orders (
    order_id TEXT PRIMARY KEY, result TEXT NOT NULL, reason TEXT NOT NULL,
    reference TEXT NOT NULL, amount_minor INTEGER, currency TEXT, payer TEXT,
    card TEXT NOT NULL, asked INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class LedgerCard:
    """`number_kind` is the last six digits, which name a card of the sandbox's own list."""

    reference: str
    number_kind: str
    payer: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One order; `asked` is how often somebody wanted it charged, whatever came of that."""

    outcome: Outcome
    card: str
    asked: int


class Ledger:
    """One connection, one hand at a time; what is answered is on the disk."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_TABLES)
        self._turn = threading.Lock()

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def add_token(self, number_kind: str, brand: str, last4: str, expires: str) -> str:
        token, reference = f"tok_{secrets.token_hex(12)}", f"card_{secrets.token_hex(12)}"
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO card (token, reference, number_kind, brand, last4, expires)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (token, reference, number_kind, brand, last4, expires),
            )
        return token

    def keep_card(self, token: str, payer: str) -> tuple[KeptCard, str] | None:
        """The card with the kind of its number; None for a token that is unknown, or of another
        payer already."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE card SET payer = ? WHERE token = ? AND payer = ''", (payer, token)
            )
            row = connection.execute(
                "SELECT reference, brand, last4, expires, number_kind FROM card"
                " WHERE token = ? AND payer = ? AND NOT forgotten",
                (token, payer),
            ).fetchone()
        return (KeptCard(*row[:4]), str(row[4])) if row else None

    def card(self, reference: str) -> LedgerCard | None:
        with self._writing() as connection:
            row = connection.execute(
                "SELECT reference, number_kind, payer FROM card"
                " WHERE reference = ? AND payer <> '' AND NOT forgotten",
                (reference,),
            ).fetchone()
        return LedgerCard(*row) if row else None

    def forget_card(self, reference: str) -> None:
        with self._writing() as connection:
            connection.execute("UPDATE card SET forgotten = 1 WHERE reference = ?", (reference,))

    def charge(self, charge: Charge, result: Result, reason: str) -> tuple[Outcome, bool]:
        """What becomes of an order when it is first asked for, and whether it is the first time."""
        with self._writing() as connection:
            is_new = connection.execute(
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
                (
                    charge.order_id,
                    result.value,
                    reason,
                    f"sb_{secrets.token_hex(8)}",
                    charge.amount_minor,
                    charge.currency,
                    charge.payer.id,
                    charge.card_reference,
                ),
            ).rowcount
            connection.execute(
                "UPDATE orders SET asked = asked + 1 WHERE order_id = ?", (charge.order_id,)
            )
            entry = _entry(_rows(connection, charge.order_id)[0])
        return entry.outcome, bool(is_new)

    def void(self, order_id: str) -> None:
        """Also one that was never heard of: should it come yet, nothing is taken."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO orders VALUES (?, ?, ?, '', NULL, NULL, NULL, '', 0)"
                " ON CONFLICT (order_id) DO UPDATE SET result = excluded.result,"
                " reason = excluded.reason",
                (order_id, Result.DECLINED.value, VOIDED),
            )

    def find(self, order_id: str) -> Outcome | None:
        with self._writing() as connection:
            rows = _rows(connection, order_id)
        return _entry(rows[0]).outcome if rows else None

    def entries(self) -> list[Entry]:
        with self._writing() as connection:
            return [_entry(row) for row in _rows(connection, None)]

    def forgotten(self) -> list[str]:
        with self._writing() as connection:
            rows = connection.execute("SELECT reference FROM card WHERE forgotten").fetchall()
        return [str(row[0]) for row in rows]


def _rows(connection: sqlite3.Connection, order_id: str | None) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT result, order_id, reason, reference, amount_minor, currency, payer, card, asked"
        " FROM orders WHERE ?1 IS NULL OR order_id = ?1 ORDER BY rowid",
        (order_id,),
    ).fetchall()


def _entry(row: tuple[object, ...]) -> Entry:
    result, order_id, reason, reference, amount, currency, payer, card, asked = row
    return Entry(
        outcome=Outcome(
            result=Result(str(result)),
            order_id=str(order_id),
            reason=str(reason),
            reference=str(reference),
            amount_minor=amount if isinstance(amount, int) else None,
            currency=str(currency) if currency else None,
            payer_id=str(payer) if payer else None,
        ),
        card=str(card),
        asked=int(str(asked)),
    )
