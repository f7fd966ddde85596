"""What a row says, as one number: the same again is recognised without comparing."""

from hashlib import blake2b


def said(told: bytes) -> int:
    """A signed 64-bit number for a person as staged, whichever line of whichever file it is."""
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "big", signed=True)
