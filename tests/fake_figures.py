"""Figures of milliseconds, for tests of the command line."""

import sys
from pathlib import Path

import figures

EXPERIMENT = """
import hashlib, os, time, warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
import jax

@dataclass(frozen=True)
class Config:
    size: int
    data: str | None = None

PRESETS = {"quick": Config(4), "paper": Config(8)}

def check(config, told):
    told("looking", 1.0)
    content = Path(config.data).read_bytes()
    if content == b"few":
        warnings.warn("only a few samples", stacklevel=2)
    elif content == b"bad":
        raise ValueError(f"the data\\nin {config.data} is not good")
    return hashlib.sha256(content).hexdigest()

def prepare(config, told):
    told("preparing", 1.0)
    if Path(config.data).read_bytes() == b"worse":
        raise ValueError(f"the numbers in {config.data} are not good")
    return 5.0

def log(line):
    if "FAKE_LOG" in os.environ:
        with open(os.environ["FAKE_LOG"], "a") as stream:
            print(line, file=stream)

def one(config, key):
    log("one")
    return {"x": jax.random.normal(key, (config.size,))}

def two(config, key, x):
    log("two")
    time.sleep(float(os.environ.get("FAKE_SLEEP", "0")))
    return {"y": jax.random.normal(key, (config.size,)) * x.sum()}

def compute(config, *, key, stage):
    first, second = jax.random.split(key)
    x = stage("stage one", partial(one, config, first), share=0.5)["x"]
    return {"x": x, "y": stage("stage two", partial(two, config, second, x), share=0.5)["y"]}
"""

# Four stages that do not need each other's results, between two that do.
INDEPENDENT = """
import os, time, warnings
from dataclasses import dataclass
from functools import partial
import jax
import jax.numpy as jnp
import numpy as np
from figures.common.stages import Stage

@dataclass(frozen=True)
class Config:
    size: int

PRESETS = {"quick": Config(4), "paper": Config(8)}

def log(line):
    if "FAKE_LOG" in os.environ:
        with open(os.environ["FAKE_LOG"], "a") as stream:
            print(line, os.getpid(), file=stream)

def part(config, index, key, x):
    log(f"part {index}")
    warnings.warn("only a few samples", stacklevel=2)
    if os.environ.get("FAKE_SLEEPER") in (str(index), "all"):
        time.sleep(float(os.environ["FAKE_SLEEP"]))
    noise = jax.random.normal(key, (100, 30_000))
    return {"y": x * (noise @ noise.T).sum(axis=1)[: config.size], "float32": jnp.sum(noise.astype("float32"), axis=1)}

def total(arrays):
    log("total")
    return {"total": sum(one["y"].sum() for one in arrays), "flags": np.array(os.environ["XLA_FLAGS"])}

def start(config, key):
    log("first")
    return {"x": jax.random.normal(key, (config.size,))}

def compute(config, *, key, stage):
    first, *keys = jax.random.split(key, 5)
    x = stage("first", partial(start, config, first), share=0.1)["x"]
    parts = stage.all([Stage(f"part {i}", partial(part, config, i, k, x), 0.2) for i, k in enumerate(keys)])
    arrays = {f"{name}_{i}": array for i, one in enumerate(parts) for name, array in one.items()}
    return arrays | stage("total", partial(total, parts), share=0.1)
"""

PLOTS = """
def draw(arrays):
    from matplotlib import pyplot as plt
    figure, axes = plt.subplots()
    axes.plot(next(iter(arrays.values())))
    return figure
"""

CLAIMS = """
import numpy as np
from figures.common.claims import Claim
from sims.measurements.estimates import Estimate

def claims(arrays):
    numbers = arrays["y_0" if "y_0" in arrays else "x"]

    def claim(name, difference, stderr, **held):
        about = {"source": "A <source>", "tests": "theory", "margin": 0.1} | (held or {"theory": 1.0})
        estimate = Estimate(np.asarray(difference), np.asarray(stderr), 8)
        return Claim.from_estimate(name, "a < b & [0, 1] <script>x</script>", estimate, **about)
    return [
        claim("a claim that holds", 0.001 * np.tanh(numbers[0]), 0.01),
        claim("a claim that differs", 1.0 + 0.001 * np.tanh(numbers[1]), 0.01, paper=1.0, tests="paper"),
        claim("an open one", float("nan"), float("nan")),
        Claim.check("a check", "all are finite", np.isfinite(numbers).mean(), source="here", bound=1.0),
    ]
"""

# A command that knows the fake figures in a folder and nothing else; they are expected to take so many seconds each.
COMMAND = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, and inherited so, where tests run in the background
folder, seconds = sys.argv[1:3]
sys.path.insert(0, folder)
import figures
from paper_repro.cli import main
figures.FIGURES.clear()
for path in sorted(Path(folder, "fakes").glob("*/experiment.py")):
    name, times = path.parent.name, {"quick": float(seconds), "paper": float(seconds)}
    figures.FIGURES[name] = figures.FigureEntry(f"fakes.{name}", "A fake", "Nobody 2000", times)
sys.exit(main(sys.argv[3:]))
"""


def write(folder: Path, name: str, *, experiment=EXPERIMENT, plots=PLOTS, claims=CLAIMS) -> None:
    """Make the package `fakes.<name>` in `folder`."""
    package = folder / "fakes" / name
    package.mkdir(parents=True, exist_ok=True)
    (folder / "fakes" / "__init__.py").write_text('"""Figures that are none."""\n')
    files = {"__init__": '"""A figure that is none."""\n', "experiment": experiment, "plots": plots, "claims": claims}
    for module, text in files.items():
        (package / f"{module}.py").write_text(text)


def register(monkeypatch, folder: Path, name: str, **options) -> None:
    """Let the table of figures name a package of `write`, imported anew."""
    monkeypatch.syspath_prepend(folder)
    for module in [module for module in sys.modules if module.partition(".")[0] == "fakes"]:
        monkeypatch.delitem(sys.modules, module)
    seconds = {"quick": 1, "paper": 2}
    entry = figures.FigureEntry(f"fakes.{name}", "A <b>fake</b> figure", "Nobody 2000, Fig. 1", seconds, **options)
    monkeypatch.setitem(figures.FIGURES, name, entry)


def command(folder: Path, seconds: float) -> list[str]:
    """The beginning of a command line that runs `paper-repro` in a process of its own on the fakes in `folder`."""
    (folder / "command.py").write_text(COMMAND)
    return [sys.executable, str(folder / "command.py"), str(folder), str(seconds)]


def arrays_of(out: Path) -> dict[str, bytes]:
    """The stored archives, by their paths under `out`."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("store/*/*/arrays.npz")}
