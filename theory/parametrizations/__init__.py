"""Parametrisations of the denoiser, one final class per file.

To add one: subclass `AbstractDenoiser` in a file of its own, supply `weights` and `gain` (and a closed-form
`generated_variance`, or `return variance_by_quadrature(self, tau)`), export it here and in `theory`, and add a row to
the table of cases in `tests/cases.py`.
"""

from theory.parametrizations.base import AbstractDenoiser
from theory.parametrizations.deep_linear import DeepLinear
from theory.parametrizations.full_width_convolution import FullWidthConvolution
from theory.parametrizations.misaligned_two_layer import MisalignedTwoLayer
from theory.parametrizations.one_layer import OneLayer
from theory.parametrizations.one_layer_with_bias import OneLayerWithBias
from theory.parametrizations.patch_convolution import PatchConvolution
from theory.parametrizations.symmetric_two_layer import SymmetricTwoLayer
from theory.parametrizations.two_layer import TwoLayer

__all__ = [
    "AbstractDenoiser",
    "DeepLinear",
    "FullWidthConvolution",
    "MisalignedTwoLayer",
    "OneLayer",
    "OneLayerWithBias",
    "PatchConvolution",
    "SymmetricTwoLayer",
    "TwoLayer",
]
