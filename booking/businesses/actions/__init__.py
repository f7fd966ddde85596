"""What is done with a business: opened and described, its members invited, changed, removed."""
