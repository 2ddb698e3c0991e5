"""What several figures need is computed once for all of them, whichever asks first and whenever the others do."""

import sys
import threading
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from figures.common.stages import SharedWork
from paper_repro.addresses import Address
from paper_repro.checkpoints import Checkpoints
from paper_repro.computing import Surroundings, versions
from paper_repro.engines import Here
from paper_repro.progress import Lines
from paper_repro.shared_results import address_of_shared
from paper_repro.store import Store

HERE = Surroundings({"XLA_FLAGS": "--some"}, versions())
A, B = (SharedWork("networks", {"of": name}, "figures.common.stages") for name in "ab")


class Lending(Here):
    """An engine that tells when its figure waits, and computes nothing meanwhile."""

    lending = 0
    waits = threading.Event()

    def compute(self, *arguments):
        assert not self.lending
        return super().compute(*arguments)

    @contextmanager
    def lent(self):
        object.__setattr__(self, "lending", self.lending + 1)
        self.waits.set()
        yield
        object.__setattr__(self, "lending", self.lending - 1)


class Figure:
    """A figure of some store that needs shared work and counts what it had to compute."""

    def __init__(self, store, name, surroundings=HERE, engine=None):
        address = Address(name, "quick", {}, 0, None, "version")
        self.checkpoints = Checkpoints(store, address, engine or Here(surroundings), Lines(sys.stderr))
        self.computed = []

    def ask(self, *works, before=lambda: None):
        def compute(places):
            before()
            names = [works[place].decided_by["of"] for place in places]
            self.computed += names
            return [
                self.checkpoints(f"train {name}", lambda name=name: {"x": [ord(name)]}, share=0.1) for name in names
            ]

        return [int(arrays["x"][0]) for arrays in self.checkpoints.shared(works, compute)]


def test_the_second_figure_takes_what_the_first_has_computed(tmp_path):
    first = Figure(Store(tmp_path), "first")
    assert first.ask(A) == [ord("a")]
    assert first.ask(B, A, B) == [ord("b"), ord("a"), ord("b")]
    assert first.computed == ["a", "b"]
    second = Figure(Store(tmp_path), "second")
    assert second.ask(A, B) == [ord("a"), ord("b")]
    assert second.computed == []
    used = second.checkpoints.provenance()["shared_results"]
    assert [(each["computed_for"], list(each["stages"])) for each in used] == [
        ("first", ["train a"]),
        ("first", ["train b"]),
    ]
    assert second.checkpoints.provenance()["stages"] == {}


def test_what_decides_the_numbers_decides_the_address(tmp_path):
    first = address_of_shared(A, HERE)
    assert first == address_of_shared(SharedWork("networks", {"of": "a"}, "figures.common.stages"), HERE)
    others = [
        address_of_shared(B, HERE),
        address_of_shared(replace(A, module="figures.common.parts"), HERE),
        address_of_shared(A, replace(HERE, environment={"XLA_FLAGS": "--other"})),
    ]
    assert len({first.digest, *(other.digest for other in others)}) == 4
    store = Store(tmp_path)
    assert Figure(store, "first").ask(A) == [ord("a")]
    flagged = Figure(store, "second", replace(HERE, environment={"XLA_FLAGS": "--other"}))
    flagged.ask(A)
    assert flagged.computed == ["a"]


def test_figures_side_by_side_wait_for_each_other(tmp_path):
    """Each begins with what the other needs next; both are computed once."""
    store, barrier = Store(tmp_path), threading.Barrier(2, timeout=20)
    figures, found = [Figure(store, name) for name in ("first", "second")], {}

    def ask(figure, mine, other):
        first = figure.ask(mine, before=barrier.wait)
        found[figure] = first + figure.ask(other)

    threads = [
        threading.Thread(target=ask, args=(figures[0], A, B)),
        threading.Thread(target=ask, args=(figures[1], B, A)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [found[figure] for figure in figures] == [[ord("a"), ord("b")], [ord("b"), ord("a")]]
    assert [figure.computed for figure in figures] == [["a"], ["b"]]


def test_who_waits_lends_its_worker_and_has_it_back_to_compute(tmp_path):
    store, engine, begun = Store(tmp_path), Lending(HERE), threading.Event()
    first, second = Figure(store, "first"), Figure(store, "second", engine=engine)

    def hold():
        begun.set()
        assert engine.waits.wait(20)

    thread = threading.Thread(target=lambda: first.ask(A, before=hold))
    thread.start()
    assert begun.wait(20)
    assert second.ask(A, B) == [ord("a"), ord("b")]
    thread.join(20)
    assert (first.computed, second.computed, engine.lending) == (["a"], ["b"], 0)


def test_who_waited_computes_what_the_other_failed_at(tmp_path):
    store, begun, failing = Store(tmp_path), threading.Event(), threading.Event()
    first, second = Figure(store, "first"), Figure(store, "second")

    def fail():
        begun.set()
        assert failing.wait(20)
        raise RuntimeError("no memory")

    def ask():
        with pytest.raises(RuntimeError, match="no memory"):
            first.ask(A, before=fail)

    thread = threading.Thread(target=ask)
    thread.start()
    assert begun.wait(20)
    threading.Timer(0.1, failing.set).start()
    assert second.ask(B, A) == [ord("b"), ord("a")]
    thread.join(20)
    assert second.computed == ["b", "a"]
    assert first.computed == []


def test_a_damaged_result_is_computed_again(tmp_path):
    store = Store(tmp_path)
    Figure(store, "first").ask(A)
    path = store.folder(address_of_shared(A, HERE)) / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-5])
    second = Figure(Store(tmp_path), "second")
    assert second.ask(A) == [ord("a")]
    assert second.computed == ["a"]
    np.testing.assert_array_equal(Store(tmp_path).load(address_of_shared(A, HERE)).arrays["x"], [ord("a")])
