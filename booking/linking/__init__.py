"""Linking: from a sign-up to a proved mailbox to the right client record."""
