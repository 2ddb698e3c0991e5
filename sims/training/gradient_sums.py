"""Adam that keeps sums of the gradients it is given, so that one compiled step serves to train and to measure.

At learning rate zero a network stays where it is, and steps of its training add up gradients of fresh batches.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from sims.training.state import AbstractTraining, TrainingState, advance
from theory.definitions.arrays import Scalar
from theory.definitions.checks import whole_arguments


class GradientSums(NamedTuple):
    """Sums over steps; trees as the network's trained arrays are, of squares with one number for each array."""

    total: PyTree[Array]  # Σ g
    squares: PyTree[Float[Array, ""]]  # Σ |g|²
    scale: PyTree[Array]  # c, what each number of g is multiplied by in
    scaled_squares: PyTree[Float[Array, ""]]  # Σ |c g|²


def adam_with_sums(learning_rate: float, *, momentum: float = 0.9) -> optax.GradientTransformation:
    """Adam with β_1 = `momentum`; its state holds the learning rate, and `GradientSums` of what it has been given."""
    fixed = ("b1", "b2", "eps", "eps_root")
    adam = optax.inject_hyperparams(optax.adam, static_args=fixed, hyperparam_dtype=jnp.float32)
    return optax.chain(_sums(), adam(learning_rate=learning_rate, b1=momentum))


@eqx.filter_jit
def at_learning_rate(state: TrainingState, rate: Scalar | Array) -> TrainingState:
    """A copy of a state of `adam_with_sums`, whose next steps have another learning rate."""
    sums, adam = _halves(state)
    return eqx.tree_at(lambda at: at.optimiser, state, (sums, _with_rate(adam, rate)))


@whole_arguments("batches")
def sums_over_batches(
    training: AbstractTraining, state: TrainingState, batches: int, key: PRNGKeyArray
) -> GradientSums:
    """Of the training's gradient at the state's network, over so many fresh batches; the state is left as it is.

    `state` is one of `adam_with_sums`, or of several members with a key each. The scale is Adam's at this state,
    1/(√v + ε). Raises ValueError unless `batches` is 1, 2, ….
    """
    return _halves(advance(training, _frozen(state, key), batches))[0]


@eqx.filter_jit
def _frozen(state: TrainingState, key: PRNGKeyArray) -> TrainingState:
    """With sums of nothing, a learning rate of zero, and another key."""
    sums, adam = _halves(state)
    scale = jax.tree.map(lambda moment: 1 / (jnp.sqrt(moment) + 1e-8), optax.tree_utils.tree_get(adam, "nu"))
    empty = jax.tree.map(jnp.zeros_like, sums)._replace(scale=scale)
    return eqx.tree_at(lambda at: (at.optimiser, at.key), state, ((empty, _with_rate(adam, 0.0)), key))


def _halves(state: TrainingState) -> tuple[GradientSums, Any]:
    """The sums, and Adam's state within that of its learning rate."""
    optimiser: Any = state.optimiser
    return optimiser[0], optimiser[1]


def _with_rate(adam: Any, rate: Scalar | Array) -> Any:
    held = adam.hyperparams["learning_rate"]
    return adam._replace(hyperparams={**adam.hyperparams, "learning_rate": jnp.full_like(held, rate)})


def _sums() -> optax.GradientTransformation:
    def squared(tree: PyTree[Array]) -> PyTree[Float[Array, ""]]:
        return jax.tree.map(lambda leaf: jnp.sum(leaf**2), tree)

    def init(params: PyTree[Array]) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return GradientSums(zeros, squared(zeros), jax.tree.map(jnp.zeros_like, params), squared(zeros))

    def update(updates: PyTree[Array], state: Any, params: PyTree | None = None) -> tuple[Any, Any]:
        del params
        scaled = jax.tree.map(jnp.multiply, state.scale, updates)
        new = GradientSums(updates, squared(updates), jax.tree.map(jnp.zeros_like, updates), squared(scaled))
        return updates, jax.tree.map(jnp.add, state, new)

    return optax.GradientTransformation(init, update)
