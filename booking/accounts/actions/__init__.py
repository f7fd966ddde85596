"""What a person does with a login: signs in and out, proves a mailbox, changes what protects it."""
