"""What a network starts from and how deep it is, in its exponent on photographs."""
