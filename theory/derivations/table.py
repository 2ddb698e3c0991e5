"""The propositions behind the package, proved step by step in SymPy: one file each.

To add one: write a file that exposes `DERIVATION`, and add it to the table below. `python -m theory.derivations`
checks all of them, `python -m theory.derivations NAME` prints one.
"""

from theory.derivations import (
    bias_gradient,
    coloured_noise_mean,
    complete_basis_kernel,
    deep_linear,
    design_variance,
    discrete_descent,
    divergences,
    edm_preconditioning,
    finite_feature_variance,
    flow_matching_one_layer,
    flow_matching_tied,
    forward_variance,
    full_width_convolution,
    gradient_flow,
    heavy_ball,
    inverse_noise_weight,
    noncentred_one_layer,
    one_layer_variance,
    overlap_growth,
    patch_convolution,
    regression_optimum,
    residual_one_layer,
    sampling_propagator,
    scaling_of_weights,
    semiclassical,
    shared_data_variance,
    threshold_exponents,
    tied_two_layer,
    untied_two_layer,
)
from theory.derivations.derivation import Derivation, Ein, Misprint, Step

__all__ = ["ALL", "Derivation", "Ein", "Misprint", "Step", "get"]

ALL: tuple[Derivation, ...] = (
    # Wang & Pehlevan 2025
    regression_optimum.DERIVATION,
    gradient_flow.DERIVATION,
    bias_gradient.DERIVATION,
    sampling_propagator.DERIVATION,
    one_layer_variance.DERIVATION,
    divergences.DERIVATION,
    discrete_descent.DERIVATION,
    residual_one_layer.DERIVATION,
    noncentred_one_layer.DERIVATION,
    tied_two_layer.DERIVATION,
    overlap_growth.DERIVATION,
    untied_two_layer.DERIVATION,
    deep_linear.DERIVATION,
    full_width_convolution.DERIVATION,
    patch_convolution.DERIVATION,
    flow_matching_one_layer.DERIVATION,
    flow_matching_tied.DERIVATION,
    inverse_noise_weight.DERIVATION,
    scaling_of_weights.DERIVATION,
    edm_preconditioning.DERIVATION,
    threshold_exponents.DERIVATION,
    heavy_ball.DERIVATION,
    # Vastola 2025
    forward_variance.DERIVATION,
    coloured_noise_mean.DERIVATION,
    finite_feature_variance.DERIVATION,
    complete_basis_kernel.DERIVATION,
    design_variance.DERIVATION,
    shared_data_variance.DERIVATION,
    semiclassical.DERIVATION,
)


def get(name: str) -> Derivation:
    """The derivation of that name. Raises ValueError for a name that is not in the table."""
    for derivation in ALL:
        if derivation.name == name:
            return derivation
    raise ValueError(f"no derivation is called {name!r}; there are {', '.join(item.name for item in ALL)}")
