"""What people typed, made harmless for a mail: no header, no link, no address comes of it.

A mail in our name is what spammers want: whoever may type a name that is mailed to an address they
choose has a mailing list. So nothing typed becomes a link in a reader's mail program.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

LONGEST_NAME = 60
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
_DOT_OF_A_DOMAIN = re.compile(r"(?<=[\w-])[.\u3002\uff0e\uff61](?=[^\W\d_]{2})")
_AT_IN_AN_ADDRESS = re.compile(r"(?<=\S)[@\uff20]")
_ENDS_A_DISPLAY_NAME = re.compile(r"[<>\"\\:/]")


def without_links(text: str) -> str:
    """`see http://evil.example/x` as `see http evil example/x`, of which nothing makes a link."""
    text = _CONTROLS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = text.replace("://", " ")
    return _DOT_OF_A_DOMAIN.sub(" ", _AT_IN_AN_ADDRESS.sub(" ", text))


def plain_name(name: str) -> str:
    """On one line, at most sixty characters, without what looks like an address or a link."""
    words = without_links(name.replace("@", " ").replace("\uff20", " ")).split()
    return " ".join(words)[:LONGEST_NAME].strip()


def display_name(name: str) -> str:
    """For a From header: without what could end it, too."""
    return plain_name(_ENDS_A_DISPLAY_NAME.sub(" ", name))


ShownName = Annotated[str, AfterValidator(plain_name)]
"""The field of an email that holds somebody's or something's name."""

ShownText = Annotated[str, AfterValidator(without_links)]
"""The field of an email that holds what somebody wrote."""
