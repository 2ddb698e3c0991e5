"""Which modes a noise schedule lets a network generate first."""
