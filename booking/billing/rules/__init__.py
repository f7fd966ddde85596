"""What is decided about plans, periods, money and tries, on plain values."""
