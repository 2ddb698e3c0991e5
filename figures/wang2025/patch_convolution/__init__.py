"""Linear convolutions on photographs: generated spectrum against filter width."""
