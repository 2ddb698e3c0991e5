"""Every figure, at a size of a second or two: compute, claims, draw, and the contract with the store."""

import functools
import typing
from pathlib import Path

import cloudpickle
import jax
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import figures
from figures.common.claims import Claim, Verdict
from figures.common.pooling import pool_claims
from figures.common.style import SMALLEST, WIDEST
from tests.compilation import forget_compiled_code

# Arrays that may hold what is not finite, as their docstrings say: bins with too few pairs, times never reached.
MEANS = ("geometric", "harmonic")
NOT_FINITE = {
    "vastola2025_fig1": {"simulated", "expected"},
    "wang2025_fig8": {f"emergence{of}_{mean}_one_layer" for of in ("", "_of_trained") for mean in MEANS},
    "loss_weighting": {f"emergence_{mean}" for mean in ("arithmetic", "geometric")},
    "folklore_variance": {f"rate_distance_0_{index}" for index in range(6)},
    "deep_linear": {"emergence_theory_3", "weight_emergence", "emergence", "waiting"},
    "wang2025_fig7": {"emergence_theory_one_layer", "emergence_theory_two_layer"},
    "wang2025_fig6": {
        f"emergence{of}_{mean}_{a}_layer" for of in ("", "_of_trained") for mean in MEANS for a in ("one", "two")
    },
}


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Arrays are tiny here and compiling is all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


# Those that take three seconds and more even here, and of those that share a study all but one: Figures 6 and 7 compute
# as Figure 8 does, Xu et al.'s pictures as `target_variance` does, photographs go through what users' data go through,
# which a file of their own tests, and Figures 3, 4, 9 and 14 train the networks of Figures 15 and 16.
SLOW = {
    "architecture_exponents",
    "bonnaire2025_networks",
    "bonnaire2025_spectrum",
    "collapse_time",
    "consistency",
    "deep_linear",
    "diffusion_time",
    "error_propagation",
    "estimation_rate",
    "exponents_by_distance",
    "folklore_variance",
    "gaps_fill_or_empty",
    "gaussian_closure",
    "generation_from_gains",
    "guidance",
    "hidden_gaussian",
    "j0_j1",
    "lazy_networks",
    "learned_distribution",
    "likelihood_emergence",
    "loss_weighting",
    "mean_shift",
    "misprints",
    "natural_images",
    "patch_convolution",
    "power_iteration",
    "schedule_exponents",
    "schedules",
    "score_smoothing",
    "spectral_law",
    "start_and_depth_exponents",
    "straightness",
    "threshold_exponents",
    "unification",
    "vastola2025_fig2",
    "vastola2025_fig3",
    "vastola2025_naive",
    "vastola_or_bertrand",
    "vkernel_linear",
    "wang2025_fig14",
    "wang2025_fig2",
    "wang2025_fig21",
    "wang2025_fig3",
    "wang2025_fig4",
    "wang2025_fig6",
    "wang2025_fig7",
    "wang2025_fig9",
    "wang2025_table1",
    "weighting_in_networks",
    "xu2023_reference_size",
    "xu2023_training",
    "xu2023_variance",
    "your_model",
}
# In the module's scope tests run figure by figure, so that no two workers compute the same one.
each_figure = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in figures.FIGURES],
    scope="module",
)


class Recorder:
    """A `RunStage` that keeps what every stage gave, and gives it back without work to the next run.

    Work is done from a pickled copy, as by a worker.
    """

    def __init__(self, stored=None):
        self.shares, self.results, self.stored = [], {}, stored

    def __call__(self, name, work, *, share):
        assert name not in self.results, f"two stages are called {name!r}"
        self.shares.append(share)
        arrays = cloudpickle.loads(cloudpickle.dumps(work))() if self.stored is None else self.stored[name]
        self.results[name] = {key: np.asarray(value) for key, value in arrays.items()}
        return dict(self.results[name])

    def all(self, stages):
        return [self(stage.name, stage.work, share=stage.share) for stage in stages]

    def shared(self, works, compute):
        return list(compute(range(len(works))))


def tiny(name):
    return figures.load(name).experiment.PRESETS["tiny"]


def run(name, stored=None):
    recorder = Recorder(stored)
    return figures.load(name).experiment.compute(tiny(name), key=jax.random.key(0), stage=recorder), recorder


@functools.cache
def computed(name):
    # One worker computes figure after figure here, without the end of a module between them.
    forget_compiled_code()
    return run(name)


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name, strict=True)


def test_table_lists_every_figure_folder():
    root = Path(figures.__file__).parent
    folders = {path.parent.relative_to(root).parts for path in root.glob("*/*/experiment.py")}
    expected = {".".join(("figures", *parts)) for parts in folders if parts[0] != "studies"}
    assert {entry.package for entry in figures.FIGURES.values()} == expected
    with pytest.raises(ValueError, match="unknown figure"):
        figures.load("wang2025_fig99")


@each_figure
def test_presets_are_those_of_the_table(name):
    entry, presets = figures.FIGURES[name], figures.load(name).experiment.PRESETS
    assert set(entry.seconds) == {"quick", "paper"}
    assert set(presets) == {"quick", "paper", "tiny"}
    assert all(type(config).__dataclass_params__.frozen for config in presets.values())
    assert entry.title
    assert entry.source
    assert min(entry.seconds.values()) > 0


@each_figure
def test_arrays_are_plain_numpy_and_finite(name):
    arrays, _ = computed(name)
    for key, value in arrays.items():
        assert type(value) is np.ndarray, key
        assert value.dtype.kind in "fib", key
        assert value.size > 0, key
        if key not in NOT_FINITE.get(name, ()):
            assert np.isfinite(value).all(), key


@each_figure
def test_stages_share_the_time_and_restore_the_run(name):
    """A run that finds every stage stored does no work and gives the same arrays."""
    arrays, recorder = computed(name)
    np.testing.assert_allclose(sum(recorder.shares), 1.0, atol=1e-6)
    assert min(recorder.shares) > 0
    restored, _ = run(name, stored=recorder.results)
    assert_same(arrays, restored)


@each_figure
def test_a_key_gives_one_result_and_is_the_only_source_of_randomness(name, monkeypatch):
    key, generator = jax.random.key(0), np.random.default_rng
    # Imports may draw random numbers; computing may not.
    first, compute = computed(name)[0], figures.load(name).experiment.compute

    def from_key_data(seed):
        assert isinstance(seed, list), "a generator whose seed is not the figure's key"
        return generator(seed)

    for maker in ("key", "PRNGKey"):
        monkeypatch.setattr(jax.random, maker, lambda *_: pytest.fail("compute makes a key of its own"))
    monkeypatch.setattr(np.random, "default_rng", from_key_data)
    again = compute(tiny(name), key=key, stage=Recorder())
    assert_same(first, again)


@each_figure
def test_claims(name):
    statements = figures.load(name).claims(computed(name)[0])
    assert statements
    assert len({claim.name for claim in statements}) == len(statements)
    for claim in statements:
        assert isinstance(claim, Claim)
        assert claim.source
        assert claim.statement
        assert claim.verdict in typing.get_args(Verdict)
        assert type(claim.measured) is float
        assert all(type(p) in (float, type(None)) for p in (claim.p_holds, claim.p_differs))
        if claim.interval is not None:
            low, high = claim.interval
            assert all(type(value) is float for value in claim.interval), claim.name
            # The interval of an agreement statistic is that of a size: from zero, also where its estimate is negative.
            assert np.isnan(claim.measured) or min(low, claim.reference) <= claim.measured <= high or low == 0, (
                claim.name
            )
    assert [one.claim for one in pool_claims({0: statements})] == statements


def is_data_panel(axis):
    """Neither a colour bar nor a panel without axes (a table, a picture)."""
    return axis.axison and axis.get_subplotspec() is not None and not hasattr(axis, "_colorbar")


@each_figure
def test_drawing_labels_its_outer_axes_and_leaves_pyplot_alone(name):
    arrays, before = computed(name)[0], dict(plt.rcParams)
    copies = {key: value.copy() for key, value in arrays.items()}
    open_figures = set(plt.get_fignums())
    figure = figures.load(name).draw(arrays)
    try:
        assert isinstance(figure, Figure)
        panels = [axis for axis in figure.axes if is_data_panel(axis)]
        assert panels
        for axis in panels:
            place = axis.get_subplotspec()
            assert axis.get_xlabel() or not place.is_last_row()
            assert axis.get_ylabel() or not place.is_first_col()
        figure.draw_without_rendering()  # layout warnings are errors here
        assert figure.get_figwidth() <= WIDEST
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
        assert min(sizes) >= SMALLEST * figure.get_figwidth() / WIDEST, "text below 8 pixels where pictures are shown"
    finally:
        plt.close(figure)
    assert set(plt.get_fignums()) == open_figures
    assert dict(plt.rcParams) == before
    assert_same(arrays, copies)


@pytest.mark.slow
def test_gap_masses_are_indexed_by_cutoff_and_ratio():
    arrays, config = computed("vastola2025_fig2")[0], tiny("vastola2025_fig2")
    np.testing.assert_array_equal(arrays["cutoff"], config.cutoffs)
    np.testing.assert_allclose(arrays["feature_ratio"], 25 / np.array(config.training_samples))
    assert (np.diff(arrays["cutoff"]) > 0).all()
    assert (np.diff(arrays["feature_ratio"]) < 0).all()
    for solver in ("converged", "euler30"):
        assert arrays[f"gap_mass_{solver}"].shape == (2, 2, config.models)
        assert (arrays[f"gap_mass_{solver}"] >= 0).all()
        assert (arrays[f"gap_mass_{solver}"] <= 1).all()
        assert (arrays[f"gap_mass_{solver}"].std(axis=-1) > 0).any()
    published = figures.load("vastola2025_fig2").experiment.PRESETS["quick"]
    assert list(published.cutoffs) == sorted(published.cutoffs)
    assert list(published.training_samples) == sorted(published.training_samples)
