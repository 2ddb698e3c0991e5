"""Straightness of flow matching in the middle of training, and variance by the number of Euler's steps."""
