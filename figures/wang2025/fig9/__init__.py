"""Figure 9: MLP-UNets of several widths on Gaussian data."""
