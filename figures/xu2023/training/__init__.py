"""Networks trained on targets with and without references, and with larger batches."""
