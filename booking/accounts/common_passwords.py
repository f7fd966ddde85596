"""What anyone would try first: thirty thousand leaked passwords, most used first, and the rows of
keys under a hand. The list is zxcvbn's; of its estimator nothing is used."""

from zxcvbn.frequency_lists import FREQUENCY_LISTS

COMMON = frozenset(FREQUENCY_LISTS["passwords"])
VERY_COMMON = frozenset(FREQUENCY_LISTS["passwords"][:1000])

_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "qazwsxedcrfvtgbyhnujm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "!@#$%^&*()",
)
RUNS = (*_ROWS, *(row[::-1] for row in _ROWS))
