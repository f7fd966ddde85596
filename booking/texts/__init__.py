"""Texts: short messages to telephones, queued like e-mails and sent once."""
