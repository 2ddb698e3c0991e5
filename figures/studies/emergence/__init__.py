"""Emergence time against variance for several initial gains."""
