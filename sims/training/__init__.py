"""Training: pairs and targets, gradient descent, ridge regression, ensembles."""
