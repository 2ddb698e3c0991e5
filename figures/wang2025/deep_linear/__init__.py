"""Deep linear denoisers: sharper transitions, waiting times, the same law."""
