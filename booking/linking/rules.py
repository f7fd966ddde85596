"""Which client record belongs to somebody who has proved a mailbox."""

from enum import StrEnum
from typing import Literal


class Settlement(StrEnum):
    """LINK the only one, let the person CHOOSE, make a NEW client, or WAIT for staff."""

    LINK = "link"
    CHOOSE = "choose"
    NEW = "new"
    WAIT = "wait"


def settlement(
    mode: Literal["off", "ask", "auto_if_unique"], *, active: int, others: int
) -> Settlement:
    """`active` and `others` count the clients with exactly that address and no login of their own;
    others are inactive: they are nobody's to choose and never come back to life by themselves.

    Where any record has the address, a second one is made only because the person says so.
    """
    if active + others == 0:
        return Settlement.NEW
    if mode == "off":
        return Settlement.WAIT
    if mode == "auto_if_unique" and active == 1:
        return Settlement.LINK
    return Settlement.CHOOSE
