"""The spectral law on photographs."""
