"""The networks that are trained: linear, convolutional, models of features, small nonlinear ones, U-Nets."""
