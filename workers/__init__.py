"""Work that waits, done by Celery: one of three thin ways in to the verbs."""
