"""Training over several devices: members of an ensemble beside each other, and each batch spread over what is left.

On one device all of this does nothing. Over several hosts, every host runs the same program and begins with
`join_hosts`.
"""

import math
import os
from typing import TypeVar

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from sims.training.edm import BATCH, MEMBERS, EDMEnsemble, EDMTraining
from sims.training.state import TrainingState, member_axes, on_devices
from theory.definitions.checks import whole_arguments


def join_hosts() -> None:
    """Join the processes of all hosts into one, if the environment says that there are others.

    It does so by JAX_COORDINATOR_ADDRESS (host:port of the first process), JAX_NUM_PROCESSES and JAX_PROCESS_ID. Call
    it before anything is computed; afterwards `jax.devices()` are those of all hosts. Raises ValueError where only the
    first is set.
    """
    if "JAX_COORDINATOR_ADDRESS" not in os.environ:
        return
    numbers = {name: os.environ.get(name, "") for name in ("JAX_NUM_PROCESSES", "JAX_PROCESS_ID")}
    if not all(number.isdigit() for number in numbers.values()):
        raise ValueError(f"with JAX_COORDINATOR_ADDRESS, other variables must be numbers; got {numbers}")
    number, this = (int(number) for number in numbers.values())
    jax.distributed.initialize(num_processes=number, process_id=this)


@whole_arguments("batch_size", "members")
def device_mesh(batch_size: int, members: int = 1) -> Mesh:
    """As many devices as share the work evenly, on the axes "members" and "batch".

    Members are shared out first: they do not need each other, where devices that share a batch add up their gradients.
    On one host devices may be left over. Raises ValueError for numbers that are not 1, 2, …, and where one of several
    hosts would have nothing to do.
    """
    devices = jax.devices()
    groups = math.gcd(members, len(devices))
    each = math.gcd(batch_size, len(devices) // groups)
    if jax.process_count() > 1 and groups * each < len(devices):
        raise ValueError(
            f"batch_size must be a multiple of {len(devices) // groups}, so that all {len(devices)} devices of "
            f"{jax.process_count()} processes share {members} members and their batches; got {batch_size}"
        )
    return Mesh(np.asarray(devices[: groups * each]).reshape(groups, each), (MEMBERS, BATCH))


Training = TypeVar("Training", bound=EDMTraining | EDMEnsemble)


def spread(training: Training, state: TrainingState) -> tuple[Training, TrainingState]:
    """The same training over all devices: data everywhere, members of an ensemble and every batch shared out.

    Steps differ from those on one device only in the order in which sums over a batch are taken. A state from
    `from_arrays` is spread like the one it is like. Raises ValueError as `device_mesh`.
    """
    assert state.key is not None
    arrays, together = eqx.filter(state, eqx.is_array), state.key.ndim == 1
    mesh = device_mesh(training.batch_size, state.key.shape[0] if together else 1)
    axes = member_axes(arrays, key=0) if together else None

    def of_part(axis: int | None, part: PyTree) -> PyTree:
        sharding = NamedSharding(mesh, PartitionSpec() if axis is None else PartitionSpec(MEMBERS))
        return jax.tree.map(lambda _: sharding, part)

    shardings = jax.tree.map(of_part, axes, arrays, is_leaf=lambda axis: axis is None)
    return training.on(mesh), on_devices(state, shardings)
