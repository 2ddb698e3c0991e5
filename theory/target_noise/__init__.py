"""The noise of the regression target: what the stable target field takes from it, and the nats that it amounts to."""
