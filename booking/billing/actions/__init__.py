"""What is done about plans, invoices, cards and charges."""
