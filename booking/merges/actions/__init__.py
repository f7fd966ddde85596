"""What is done with records of one person: put together, and taken apart again."""
