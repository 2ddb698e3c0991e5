"""The covariance of learned scores over training draws.

From training inputs to a kernel: `population` and its `lattices`; `learned_scores`, what a network's output says of the
score; `feature_regression`, its `moments` and `modes`; `weight_law`, the mean and covariance of trained weights, to the
`orders` that a kernel offers. `kernels` says what a V-kernel is. Those of features (`feature_kernels`) are trained by
`least_squares`, with each sample's own `leverage`, or by `gradient_flow`, on `eigenfunctions` too; white ones
(`white_kernels`) come from `naive_sampling`, and are the limit of a `complete_basis`.
"""
