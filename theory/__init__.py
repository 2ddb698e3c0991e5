"""Closed forms for the learning dynamics of diffusion models: pure mathematics in JAX, no training, no plotting."""

from theory.deterministic_equivalent import effective_ridge
from theory.distances import alignment, kl_divergence, reverse_kl_divergence, wasserstein2
from theory.features import FourierFeatures, GaussianFeatures
from theory.finite_data import (
    DrawVariance,
    OneLayerVKernel,
    one_layer_v_kernel,
    weight_mean_over_draws,
    weight_variance_at_ratio,
    weight_variance_of_least_squares,
    weight_variance_of_shared_data,
    weight_variance_over_draws,
)
from theory.fokker_planck import (
    CellMasses,
    first_order_fokker_planck,
    fokker_planck,
    gaussian_cells,
    gaussian_cells_ending_at,
)
from theory.generation import (
    generated_variance,
    generated_variance_by_quadrature,
    generated_variance_on_schedule,
)
from theory.learning_curves import (
    expected_gain_over_data,
    expected_generated_variance_over_data,
    expected_loss_over_data,
    gain_variance_over_data,
)
from theory.moments import generated_covariance, generated_mean
from theory.naive_v_kernel import AbstractWhiteKernel, NaiveVKernel
from theory.parametrizations import (
    AbstractDenoiser,
    DeepLinear,
    FullWidthConvolution,
    MisalignedTwoLayer,
    OneLayer,
    OneLayerWithBias,
    PatchConvolution,
    SymmetricTwoLayer,
    TwoLayer,
)
from theory.path_integral import (
    action_gradient,
    msr_exponent,
    msr_gradient,
    path_action,
    sample_effective_sde,
    sample_gaussian_field_ode,
    solve_effective_sde,
)
from theory.processes import (
    EDM,
    AbstractProcess,
    CosineSchedule,
    FlowMatching,
    LinearSchedule,
    SigmoidSchedule,
    VariancePreserving,
)
from theory.semiclassical import first_order_expectation, linear_flow_covariance, semiclassical_paths
from theory.spectra import Spectrum
from theory.spectral_law import PowerLaw, emergence_level, emergence_time, fit_power_law, rises, weight_emergence_time
from theory.targets import PointMasses
from theory.v_kernel import LazyVKernel, LinearVKernel

__all__ = [
    "EDM",
    "AbstractDenoiser",
    "AbstractProcess",
    "AbstractWhiteKernel",
    "CellMasses",
    "CosineSchedule",
    "DeepLinear",
    "DrawVariance",
    "FlowMatching",
    "FourierFeatures",
    "FullWidthConvolution",
    "GaussianFeatures",
    "LazyVKernel",
    "LinearSchedule",
    "LinearVKernel",
    "MisalignedTwoLayer",
    "NaiveVKernel",
    "OneLayer",
    "OneLayerVKernel",
    "OneLayerWithBias",
    "PatchConvolution",
    "PointMasses",
    "PowerLaw",
    "SigmoidSchedule",
    "Spectrum",
    "SymmetricTwoLayer",
    "TwoLayer",
    "VariancePreserving",
    "action_gradient",
    "alignment",
    "effective_ridge",
    "emergence_level",
    "emergence_time",
    "first_order_expectation",
    "first_order_fokker_planck",
    "fit_power_law",
    "fokker_planck",
    "gaussian_cells",
    "expected_gain_over_data",
    "expected_generated_variance_over_data",
    "expected_loss_over_data",
    "fit_power_law",
    "gain_variance_over_data",
    "gaussian_cells_ending_at",
    "generated_covariance",
    "generated_mean",
    "generated_variance",
    "generated_variance_by_quadrature",
    "generated_variance_on_schedule",
    "kl_divergence",
    "linear_flow_covariance",
    "msr_exponent",
    "msr_gradient",
    "path_action",
    "one_layer_v_kernel",
    "reverse_kl_divergence",
    "rises",
    "sample_effective_sde",
    "sample_gaussian_field_ode",
    "semiclassical_paths",
    "solve_effective_sde",
    "wasserstein2",
    "weight_emergence_time",
    "weight_mean_over_draws",
    "weight_variance_at_ratio",
    "weight_variance_of_least_squares",
    "weight_variance_of_shared_data",
    "weight_variance_over_draws",
]
