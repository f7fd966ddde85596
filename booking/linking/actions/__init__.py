"""What a person does to come to their own record: signs up, chooses, claims a visit."""
