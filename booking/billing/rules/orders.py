"""The name a try goes by at the gateway: the same for whoever computes it, and never again used."""

import base64
import hashlib
import uuid


def order_id(invoice_id: uuid.UUID, attempt: int) -> str:
    """One a try of an invoice, and so of a business and a period. At most 19 characters, the most
    that CardPointe keeps; with letters, since what could pass for a card's number is masked there
    and not found again. Seventy bits of it are a digest: no two invoices share them."""
    digest = hashlib.sha256(f"{invoice_id}:{attempt}".encode()).digest()
    return f"bk{base64.b32encode(digest)[:14].decode().lower()}a{attempt % 100}"
