"""What is done about two records that may be one person: keys, questions, decisions, the look
through the whole list."""

from booking.matching.actions.comparing import compare_due
from booking.matching.actions.deciding import decide, reopen
from booking.matching.actions.raising import (
    ask_about,
    note_newcomer,
    raise_for_login,
    raise_for_visit,
    raise_match,
    withdraw_visit,
)
from booking.matching.actions.scans import start_scan
from booking.matching.renewal import renew_due_keys, write_keys

__all__ = (
    "ask_about",
    "compare_due",
    "decide",
    "note_newcomer",
    "raise_for_login",
    "raise_for_visit",
    "raise_match",
    "renew_due_keys",
    "reopen",
    "start_scan",
    "withdraw_visit",
    "write_keys",
)
