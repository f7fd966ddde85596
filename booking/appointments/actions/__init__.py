"""What is done with appointments: booked, decided, changed, given to a client, subscribed to."""
