"""What is done with invitations: made, sent, opened, accepted, taken back."""
