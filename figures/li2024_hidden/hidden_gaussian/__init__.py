"""The linear part of networks in training, and what is beyond it, in nats."""
