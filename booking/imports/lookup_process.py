"""The other end of `actions.preparing`: reads rows from standard input, answers with what they are
looked up by, and ends with its input. It opens no database and knows no settings."""

import gc
import pickle
import signal
import sys

from booking.imports.rules.lookups import lookup_of_text


def main() -> None:
    """An interrupt from the keyboard is for the process that began this one, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # what it makes holds no circles
    while True:
        try:
            country, texts = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own process
        except EOFError:
            return
        found = [lookup_of_text(text, country) for text in texts]
        pickle.dump(found, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
