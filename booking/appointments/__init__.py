"""An appointment: what was agreed between a business and a client."""
