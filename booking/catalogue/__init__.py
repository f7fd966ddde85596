"""The catalogue: the services a business offers and the staff members who perform them."""
