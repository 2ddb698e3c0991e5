"""The propositions behind the package, proved step by step in SymPy: one file each.

To add one: write a file that exposes `DERIVATION`, and add its name to the table below. `python -m theory.derivations`
checks all of them, `python -m theory.derivations NAME` prints one.
"""

import importlib

from theory.derivations.derivation import Derivation, Ein, Misprint, Step

__all__ = ["ALL", "NAMES", "Derivation", "Ein", "Misprint", "Step", "get"]

NAMES = (
    # Wang & Pehlevan 2025
    "regression_optimum",
    "gradient_flow",
    "bias_gradient",
    "sampling_propagator",
    "one_layer_variance",
    "divergences",
    "discrete_descent",
    "residual_one_layer",
    "noncentred_one_layer",
    "tied_two_layer",
    "overlap_growth",
    "untied_two_layer",
    "deep_linear",
    "full_width_convolution",
    "patch_convolution",
    "flow_matching_one_layer",
    "flow_matching_tied",
    "inverse_noise_weight",
    "likelihood_nats",
    "scaling_of_weights",
    "edm_preconditioning",
    "threshold_exponents",
    "heavy_ball",
    "guidance",
    "error_propagation",
    "flat_data",
    "hidden_gaussian",
    # Vastola 2025
    "forward_variance",
    "coloured_noise_mean",
    "finite_feature_variance",
    "complete_basis_kernel",
    "design_variance",
    "shared_data_variance",
    "semiclassical",
    # this project
    "tangent_schedules",
    "power_iteration",
    "straightness",
    "wick_term",
    "kernel_density_error",
)


ALL: tuple[Derivation, ...]  # in the order of their names


def __getattr__(name: str) -> tuple[Derivation, ...]:
    """`ALL`, when it is first asked for: SymPy solves while a derivation is imported, and all take seconds."""
    if name != "ALL":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return tuple(map(get, NAMES))


def get(name: str) -> Derivation:
    """The derivation of that name, of which no other is imported. Raises ValueError for one not in the table."""
    if name not in NAMES:
        raise ValueError(f"no derivation is called {name!r}; there are {', '.join(NAMES)}")
    return importlib.import_module(f"theory.derivations.{name}").DERIVATION
