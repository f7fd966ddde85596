"""From the bytes of a file to people and their pets, without a database: what is pure in an import."""
