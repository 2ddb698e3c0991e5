"""Networks trained on all noise levels, and the variance along the data's modes that they generate on the way."""
