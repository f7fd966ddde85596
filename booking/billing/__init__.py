"""Billing: what a business owes for the service, and the card it pays with."""
