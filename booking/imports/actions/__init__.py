"""A list comes in, is applied chunk by chunk, and can be taken back."""
