"""Closed forms for the learning dynamics of diffusion models: pure mathematics in JAX, no training, no plotting."""

from theory.distances import alignment, kl_divergence, reverse_kl_divergence, wasserstein2
from theory.features import FourierFeatures, GaussianFeatures
from theory.generation import (
    generated_variance,
    generated_variance_by_quadrature,
    generated_variance_on_schedule,
)
from theory.moments import generated_covariance, generated_mean
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
from theory.processes import (
    EDM,
    AbstractProcess,
    CosineSchedule,
    FlowMatching,
    LinearSchedule,
    SigmoidSchedule,
    VariancePreserving,
)
from theory.spectra import Spectrum
from theory.spectral_law import PowerLaw, emergence_level, emergence_time, fit_power_law, rises, weight_emergence_time
from theory.targets import PointMasses
from theory.v_kernel import LazyVKernel, LinearVKernel

__all__ = [
    "EDM",
    "AbstractDenoiser",
    "AbstractProcess",
    "CosineSchedule",
    "DeepLinear",
    "FlowMatching",
    "FourierFeatures",
    "FullWidthConvolution",
    "GaussianFeatures",
    "LazyVKernel",
    "LinearSchedule",
    "LinearVKernel",
    "MisalignedTwoLayer",
    "OneLayer",
    "OneLayerWithBias",
    "PatchConvolution",
    "PointMasses",
    "PowerLaw",
    "SigmoidSchedule",
    "Spectrum",
    "SymmetricTwoLayer",
    "TwoLayer",
    "VariancePreserving",
    "alignment",
    "emergence_level",
    "emergence_time",
    "fit_power_law",
    "generated_covariance",
    "generated_mean",
    "generated_variance",
    "generated_variance_by_quadrature",
    "generated_variance_on_schedule",
    "kl_divergence",
    "reverse_kl_divergence",
    "rises",
    "wasserstein2",
    "weight_emergence_time",
]
