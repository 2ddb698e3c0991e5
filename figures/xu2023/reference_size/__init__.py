"""How the variance of the stable target falls with the number of references, and where it does not."""
