"""A figure of milliseconds, for tests of the command line."""

import importlib.util
import sys
from pathlib import Path

import figures

FAKE = """
import os, time, warnings
from dataclasses import dataclass
from pathlib import Path
import jax
import numpy as np
from figures.common.claims import Claim

@dataclass(frozen=True)
class Config:
    size: int
    data: str | None = None

PRESETS = {"quick": Config(4), "paper": Config(8)}

def check(config):
    text = "good" if config.data is None else Path(config.data).read_text()
    if text == "few":
        warnings.warn("only a few samples", stacklevel=2)
    elif text != "good":
        raise ValueError(f"the data\\nin {config.data} is not good")

def log(line):
    if "FAKE_LOG" in os.environ:
        with open(os.environ["FAKE_LOG"], "a") as stream:
            print(line, file=stream)

def compute(config, *, key, stage):
    check(config)
    first, second = jax.random.split(key)
    def one():
        log("one")
        return {"x": jax.random.normal(first, (config.size,))}
    def two():
        log("two")
        time.sleep(float(os.environ.get("FAKE_SLEEP", "0")))
        return {"y": jax.random.normal(second, (config.size,)) * x.sum()}
    x = stage("stage one", one, share=0.5)["x"]
    return {"x": x, "y": stage("stage two", two, share=0.5)["y"]}

def draw(arrays):
    from matplotlib import pyplot as plt
    figure, axes = plt.subplots()
    axes.plot(arrays["x"])
    return figure

def claims(arrays):
    def claim(name, measured, interval, theory=1.0):
        statement = "a < b & [0, 1] <script>x</script>"
        return Claim(name, "A <source>", statement, None, theory, measured, interval, 0.1)
    return [
        claim("a claim that holds", 1.0, (0.95, 1.05)),
        claim("a claim that differs", 2.0, (1.9, 2.1)),
        claim("an open one", float("nan"), (float("-inf"), float("inf"))),
    ]
"""


def register(monkeypatch, path: Path, name: str, **options) -> None:
    spec = importlib.util.spec_from_file_location(f"figures.{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, f"figures.{name}", module)
    spec.loader.exec_module(module)
    entry = figures.FigureEntry("A <b>fake</b> figure", "Nobody 2000, Fig. 1", {"quick": 1, "paper": 2}, **options)
    monkeypatch.setitem(figures.FIGURES, name, entry)


def arrays_of(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("store/*/*/arrays.npz")}
