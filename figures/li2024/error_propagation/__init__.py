"""What a sampler makes of errors of the network, and of errors on its way."""
