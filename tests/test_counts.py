"""Numbers of things: whole ones are taken whatever their type, and anything else gets one sentence."""

import importlib
import inspect
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sims
import theory
from sims.data.built_in import natural_image_patches, polygon, triple
from sims.networks.linear import deep_linear_denoiser, linear_denoiser
from sims.networks.nonlinear import mlp_denoiser
from sims.sampling.schedules import edm_schedule, log_snr_schedule
from sims.training.descent import Minibatches, common_clock
from sims.training.training_sets import gaussian_training_sets, shared_data_training_sets
from sims.training.training_triples import draw_triples
from theory import EDM, DeepLinear, FullWidthConvolution, GaussianFeatures, PatchConvolution, Spectrum
from theory import VariancePreserving as VP
from theory.definitions.checks import whole, whole_arguments
from theory.definitions.feature_families import FourierFamily, GaussianFamily
from theory.definitions.spectra import fourier_basis, patch_covariance, shift_average
from theory.finite_data.weight_covariances import weight_variance_over_draws
from theory.v_kernel.lattices import lattice_population
from theory.v_kernel.orders import check_draws

NO_COUNTS = [2.5, 0, -1, np.nan, np.inf, "3", True, None, 3 + 0j, [3]]

# Integers that are no counts, or that no user gives: axes, places in a file, what is read from a header, the sizes of
# blocks; and what a caller of ours has checked.
NOT_ASKED = {
    "theory.definitions.checks": {"least", "dimension"},
    "theory.definitions.spectra": {"axes"},
    "theory.exact_scores.point_masses": {"size"},
    "theory.spectral_law.balanced_growth": {"depth"},
    "theory.spectral_law.generation": {"refinement"},
    "theory.v_kernel.orders": {"number"},
    "sims.data.arrays": {"start", "number"},
    "sims.data.images": {"number"},
    "sims.data.layouts": {"number", "count", "dimension"},
    "sims.data.snapshot_names": {"step"},
    "sims.data.snapshots": {"step"},
    "sims.data.user_files": {"count", "dimension"},
    "sims.measurements.estimates": {"axis", "repetitions"},
    "sims.measurements.exponents": {"modes"},
    "sims.measurements.network_gains": {"repetitions"},
    "sims.networks.image_blocks": {"features", "channels", "inputs", "outputs", "taps"},
    "sims.training.references": {"size"},
    "sims.training.state": {"axes", "axis"},
}
# What must be there before an argument is looked at.
OTHERS = {"positions": (-1.0, 1.0), "times": (0.0, 1.0)}


def public_functions(module):
    """Functions, classes and their methods, under the names that they have there."""
    for name, value in vars(module).items():
        if inspect.isclass(value) and not name.startswith("_"):
            if not issubclass(value, Exception):
                yield value
            members = inspect.getmembers(value, lambda each: inspect.isfunction(each) or inspect.ismethod(each))
            yield from (each for key, each in members if not key.startswith("_"))
        elif inspect.isfunction(value) and not name.startswith("_"):
            yield value


def counts():
    """Every argument of a public function or class of theory and sims that is annotated `int`."""
    found = {}
    for package in (theory, sims):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if info.name.startswith("theory.derivations"):
                continue
            for function in public_functions(importlib.import_module(info.name)):
                if function.__module__ != info.name:
                    continue
                parameters = inspect.signature(function).parameters
                names = {name for name, each in parameters.items() if each.annotation is int}
                for name in sorted(names - NOT_ASKED.get(info.name, set())):
                    found[f"{info.name}.{function.__qualname__} {name}"] = (function, name)
    return found


COUNTS = counts()


def test_the_arguments_are_found():
    assert len(COUNTS) > 80
    assert "sims.training.descent.train_minibatch batch_size" in COUNTS
    assert "theory.definitions.features.GaussianFeatures per_axis" in COUNTS


@pytest.mark.parametrize("name", COUNTS)
def test_every_count_of_a_public_function_is_a_whole_number(name):
    """It is refused before any of the other arguments, which are None here, is looked at."""
    function, argument = COUNTS[name]
    parameters = inspect.signature(function).parameters.values()
    others = {
        each.name: 2 if each.annotation is int else OTHERS.get(each.name)
        for each in parameters
        if each.default is inspect.Parameter.empty or each.annotation is int
    }
    for number in NO_COUNTS:
        if (number, argument) == (0, "steps") and function.__name__ == "advance":
            continue
        with pytest.raises(ValueError, match=r"must be a whole number of \d or more; got "):
            function(**(others | {argument: number}))


RING = [2.0, 1.0, 0.5, 1.0]
PLANE = Spectrum.from_variances([1.0] * 4)
BY_HAND = {
    "GaussianFamily": lambda n: GaussianFamily(-1.0, 1.0, n),
    "FourierFamily": lambda n: FourierFamily(-1.0, 1.0, n),
    "fourier_basis": lambda n: fourier_basis(n),
    "fourier_basis of a torus": lambda n: fourier_basis((n, 2)),
    "shift_average": lambda n: shift_average(np.eye(3), n),
    "patch_covariance": lambda n: patch_covariance(RING, n),
    "patch_covariance per axis": lambda n: patch_covariance(RING, (n,)),
    "PatchConvolution": lambda n: PatchConvolution.from_autocovariance(RING, n, EDM(), 0.1, 1.0).initial_filter,
    "FullWidthConvolution": lambda n: FullWidthConvolution(PLANE, EDM(), 0.1, 1.0, grid=(n, 4)).gain(1.0, 1.0),
    "Minibatches": lambda n: Minibatches(None, None, None, n).batch_size,
}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("number", [2.5, 0, -1, np.nan, "3", True])
def test_lengths_and_sizes_too(name, number):
    with pytest.raises(ValueError, match=r"must be a whole number of \d or more; got "):
        BY_HAND[name](number)


KEY = jax.random.key(0)
WHOLE = BY_HAND | {
    "features": lambda n: GaussianFeatures(n, n, n, positions=(-1.0, 1.0), times=(0.0, 1.0)).number,
    "power_law": lambda n: Spectrum.power_law(n, 1.0).variance,
    "log_normal": lambda n: Spectrum.log_normal(n).variance,
    "DeepLinear": lambda n: DeepLinear(PLANE, EDM(), 0.1, 1.0, depth=n).gain(0.0, 1.0),
    "residual": lambda n: DeepLinear.residual(PLANE, EDM(), 0.1, 1.0, depth=n).initial_gain,
    "natural_image_patches": lambda n: natural_image_patches(KEY, count=n, size=n),
    "polygon": polygon,
    "linear_denoiser": lambda n: linear_denoiser(n, 0.1).weight,
    "deep_linear_denoiser": lambda n: jnp.stack(deep_linear_denoiser(KEY, n, n, 0.1).factors),
    "mlp_denoiser": lambda n: mlp_denoiser(VP(), n, width=n, hidden_layers=n, key=KEY).weights[1],
    "edm_schedule": lambda n: edm_schedule(0.1, 1.0, n),
    "log_snr_schedule": lambda n: log_snr_schedule(VP(), n),
    "common_clock": lambda n: common_clock(np.ones(1), np.ones(1), smallest_steps=n).steps,
    "draw_triples": lambda n: draw_triples(jnp.asarray(triple()), VP(), n, key=KEY).noisy,
    "gaussian": lambda n: gaussian_training_sets(PLANE, jnp.ones(1), seeds=n, samples=n, key=KEY).cross,
    "shared": lambda n: shared_data_training_sets(PLANE, jnp.ones(1), members=n, data=n, noises=n, key=KEY).cross,
}
# 3 in PLANE's grid (3, 4) does not fit.
WHOLE.pop("FullWidthConvolution")


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_of_any_type_are_the_same(name):
    expected = WHOLE[name](3)
    for number in (np.int64(3), np.uint8(3), 3.0, jnp.asarray(3), np.asarray(3)):
        np.testing.assert_array_equal(WHOLE[name](number), expected)


def test_a_decorated_function_gets_python_integers():
    @whole_arguments("count", levels=2)
    def function(x, count, *, levels=5):
        return x, count, levels

    assert function(1.5, np.int32(3)) == (1.5, 3, 5)
    assert [type(each) for each in function(0.5, jnp.asarray(3), levels=np.float32(2))] == [float, int, int]
    with pytest.raises(ValueError, match="levels must be a whole number of 2 or more; got 1"):
        function(1.5, 3, levels=1)
    with pytest.raises(TypeError, match="must be a Python integer"):
        jax.jit(lambda n: whole("n", n))(3)


def test_lattices_have_so_many_points_or_none():
    data = theory.PointMasses([[0.0], [1.0]])
    for number in (2.5, -1, "3", True, np.nan, 1000.5):
        with pytest.raises(ValueError, match="count must be a whole number"):
            lattice_population(data, EDM(), number)


DENOISER = theory.OneLayer(Spectrum.from_variances([2.0, 0.3]), EDM(), 0.1, 1.0)


@pytest.mark.parametrize("number", [0, 0.5, -1, np.nan, "3", True, 3 + 1j])
def test_draws_in_a_formula_are_real_numbers_of_one_or_more(number):
    for question in (
        lambda draws: weight_variance_over_draws(DENOISER, 1.0, 0.5, draws),
        lambda draws: check_draws(draws, 5, more_than_features=False),
    ):
        with pytest.raises(ValueError, match="draws must be one or more; got "):
            question(number)


def test_formulas_are_analytic_in_the_number_of_draws():
    """1/P at leading order: between two whole numbers as well."""
    at = [weight_variance_over_draws(DENOISER, 1.0, 0.5, draws).total for draws in (2, 2.5, 3)]
    np.testing.assert_allclose(2.5 * at[1], 2 * at[0], rtol=1e-14)
    np.testing.assert_allclose(2.5 * at[1], 3 * at[2], rtol=1e-14)
