"""From the bytes of a file to people and their pets: what is pure in an import."""
