"""Online booking and client accounts for businesses that groom, board and care for pets."""
