"""A client: a person, and their pets, as one business knows them."""
