"""MLP-UNets trained on Gaussian data."""
