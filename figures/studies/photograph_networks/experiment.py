"""Networks trained on patches of photographs, and the closed form beside what they generate."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from jaxtyping import PRNGKeyArray

from figures.common.stages import Arrays, RunStage
from figures.studies.photograph_networks.training import Photographs, train_kinds
from figures.studies.trained_networks.closed_form import with_closed_forms
from figures.studies.trained_networks.experiment import OF_MODES, NetworkRun, Trained, TrainedRun, prefixed, stacked

_CLOSED_FORM_SHARE = 0.1


class TrainedBesideTheory(NamedTuple):
    """The models of every kind, and what was measured of them."""

    runs: dict[str, list[TrainedRun]]
    arrays: Arrays  # of `stacked` and `closed_form`, under names that begin with the kind


def train_on_photographs(
    photographs: Photographs,
    networks: Mapping[str, NetworkRun],
    *,
    key: PRNGKeyArray,
    stage: RunStage,
    also: Collection[str] = (),
) -> TrainedBesideTheory:
    """Every kind of network, trained and measured by `train_kinds`, with the closed form beside it.

    `also`: which measurements the figure needs beside those of modes.
    """
    runs, results = train_kinds(photographs, networks, key=key, stage=stage, share=1 - _CLOSED_FORM_SHARE)
    of_kind = {kind: stacked(own, [_only(also, result) for result in results[kind]]) for kind, own in runs.items()}
    both = with_closed_forms(of_kind, networks, stage=stage, share=_CLOSED_FORM_SHARE)
    return TrainedBesideTheory(
        runs, {name: array for kind, own in both.items() for name, array in prefixed(kind, own).items()}
    )


def _only(also: Collection[str], trained: Trained) -> Trained:
    """What is measured of modes, and what else is named."""
    return Trained({name: trained.measured[name] for name in (*OF_MODES, *also)}, trained.kept)
