"""Linear feature models of point masses, and the Gaussian law of their weights that the V-kernel predicts.

Shared by the figures that hold a predicted average learned distribution against a trained one. Trained weights come
from `sims` and predicted ones from `theory`; both are put into the same model and carried by the same sampler, so that
what differs is the law of the weights alone.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.studies.published_setting import features_of, process_of
from sims.networks.feature_model import FeatureModel
from sims.sampling.feature_models import SOLVERS, sample_ensemble
from sims.sampling.schedules import log_snr_schedule, uniform_schedule
from sims.training.feature_ensembles import train_ensemble
from sims.training.training_triples import with_array_parameters
from theory.definitions.features import AbstractFeatures
from theory.definitions.processes import VariancePreserving
from theory.exact_scores.point_masses import PointMasses
from theory.v_kernel.lattices import lattice_population
from theory.v_kernel.least_squares import LinearVKernel

# Heun's method in steps of log signal-to-noise ratio, or the paper's: Euler's, in steps of time.
Sampler = Literal["converged", "published"]
_SAMPLERS = {"converged": (log_snr_schedule, "heun"), "published": (uniform_schedule, "euler")}


@dataclass(frozen=True)
class LinearModels:
    """Ridge fits of features to P noisy triples of some points, as in Vastola 2025, Figs. 2 and 3."""

    points: Float[np.ndarray, "m dim"]
    cutoff: float  # ε
    draws: int  # P
    per_axis: int
    per_time: int
    ridge: float = 0.1
    kind: str = "Gaussian"
    lattice: int = 2**14  # points that the prediction averages over; half as many take half the time

    @property
    def process(self) -> VariancePreserving:
        return process_of(self.cutoff)

    @property
    def features(self) -> AbstractFeatures:
        return features_of(self.kind, self.points.shape[1], self.per_axis, self.per_time, self.cutoff)

    @cached_property
    def kernel(self) -> LinearVKernel:
        """The prediction: law of the weights over training draws, at any F/P.

        With every sample's own leverage in one dimension; with equal leverage in more, where the thousand features of
        Figure 3 would take a minute and a half.
        """
        data = PointMasses(self.points)
        order = "local_equivalent" if data.points.shape[1] == 1 else "deterministic_equivalent"
        population = lattice_population(data, self.process, self.lattice)
        return LinearVKernel(
            data, self.process, self.features, self.draws, self.ridge, order=order, population=population
        )

    def trained(self, models: int, key: PRNGKeyArray) -> FeatureModel:
        """`models` fits to training sets of their own."""
        points = jnp.asarray(self.points)
        return train_ensemble(
            self.features, points, self.process, models=models, samples=self.draws, ridge=self.ridge, key=key
        )

    def predicted(self, models: int, key: PRNGKeyArray) -> FeatureModel:
        """`models` draws of the predicted Gaussian weights: one score field per draw (App. D)."""
        return FeatureModel(self.features, self.kernel.draw_weights(key, models))

    def samples(
        self, ensemble: FeatureModel, initial: Float[Array, "n dim"], steps: int, sampler: Sampler = "converged"
    ) -> Float[np.ndarray, "models n dim"]:
        """What each model generates from the same initial positions, with `steps` steps of a sampler."""
        schedule, method = _SAMPLERS[sampler]
        times = schedule(self.process, steps)
        return np.asarray(sample_ensemble(ensemble, self.process, initial, times, method=method))

    def exact(
        self, initial: Float[Array, "n dim"], steps: int, sampler: Sampler = "converged"
    ) -> Float[np.ndarray, "n dim"]:
        """What the exact score generates with the same sampler."""
        schedule, method = _SAMPLERS[sampler]
        process = with_array_parameters(self.process)
        times = schedule(process, steps)
        return np.asarray(_carried_by_score(PointMasses(self.points), process, initial, times, SOLVERS[method]))


def averages(weights: Float[np.ndarray, "models dim F"], groups: int) -> Float[np.ndarray, "averages dim F"]:
    """Mean weights of all models, and the same without one of `groups` of models after the other: (1 + groups, dim, F).

    What a model with the mean weights generates is no mean over models; its error is the jackknife's over groups.
    """
    parts = np.array_split(np.arange(len(weights)), groups)
    without = [np.delete(weights, part, axis=0).mean(axis=0) for part in parts]
    return np.stack([weights.mean(axis=0), *without])


@eqx.filter_jit
def _carried_by_score(data: PointMasses, process: VariancePreserving, initial, times, solver) -> jnp.ndarray:
    """Positions at the end of the probability-flow ODE of the exact score."""
    return solver(lambda _, time, x: process.probability_flow(x, data.score(x, time, process), time), initial, times)
