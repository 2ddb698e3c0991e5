"""Networks trained by full-batch gradient descent beside the theory of the same network, mode by mode."""
