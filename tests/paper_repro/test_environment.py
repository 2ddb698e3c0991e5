"""What is in the environment before JAX starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paper_repro import environment
from paper_repro.computing import check_device
from paper_repro.environment import (
    ONE_THREAD,
    QUICK_TO_COMPILE,
    compiled_programs,
    complaint_about,
    environment_of,
)
from paper_repro.errors import UserError

SUMS = """
import os, sys
if sys.argv[1:]:
    os.sched_setaffinity(0, [int(sys.argv[1])])
from paper_repro.environment import environment_of
os.environ.update(environment_of("quick"))
import hashlib, jax, jax.numpy as jnp
x = jax.random.normal(jax.random.key(0), (3, 200_000))
print(x.dtype, hashlib.sha256(b"".join(jax.device_get([x.sum(), x.sum(1), x @ x.T]))).hexdigest())
"""


@pytest.mark.parametrize(
    ("preset", "jaxlib", "user", "expected"),
    [
        ("quick", "0.10.2", "", f"{ONE_THREAD} {QUICK_TO_COMPILE}"),
        ("paper", "0.10.2", "", ONE_THREAD),
        ("paper", "0.10.2", f"--theirs {ONE_THREAD}", f"--theirs {ONE_THREAD}"),
        ("quick", "0.10.2", "--theirs", f"{ONE_THREAD} {QUICK_TO_COMPILE} --theirs"),
        ("quick", "0.11.0", "--theirs", "--theirs"),  # a flag that XLA does not know ends the process
    ],
)
def test_compiler_flags_come_before_the_users(monkeypatch, preset, jaxlib, user, expected):
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"jaxlib": jaxlib}[name])
    monkeypatch.setenv("XLA_FLAGS", user)
    for _ in range(2):  # in the command, and again in what inherits its environment
        found = environment_of(preset)
        assert found["XLA_FLAGS"] == expected
        monkeypatch.setenv("XLA_FLAGS", found["XLA_FLAGS"])


def test_what_the_user_has_set_prevails(monkeypatch):
    monkeypatch.setenv("NPROC", "7")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    found = environment_of("quick")
    assert (found["NPROC"], found["OPENBLAS_NUM_THREADS"], found["JAX_ENABLE_X64"]) == ("7", "3", "1")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a system that can withhold cores")
def test_sums_do_not_depend_on_the_number_of_cores():
    """Also that this XLA knows the flags: an unknown one ends the process."""
    without = {name: value for name, value in os.environ.items() if name not in ("NPROC", "XLA_FLAGS")}
    cores = min(os.sched_getaffinity(0))
    runs = [
        subprocess.run([sys.executable, "-c", SUMS, *more], capture_output=True, text=True, env=without)
        for more in ([], [str(cores)])
    ]
    assert [done.returncode for done in runs] == [0, 0], runs[0].stderr
    assert runs[0].stdout.startswith("float64 ")
    assert runs[0].stdout == runs[1].stdout


def test_compiled_programs_are_kept_for_one_type_of_processor(monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    here = compiled_programs(Path("out"))["JAX_COMPILATION_CACHE_DIR"]
    assert Path(here).parent == Path("out/compiled").absolute()
    monkeypatch.setattr(environment, "processor", lambda: "another")
    assert compiled_programs(Path("out"))["JAX_COMPILATION_CACHE_DIR"] != here
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    assert compiled_programs(Path("out"))["JAX_COMPILATION_CACHE_DIR"] == "elsewhere"


PROGRAM = """
import warnings
from paper_repro.environment import forgive_incomplete_programs
warnings.simplefilter("error")
forgive_incomplete_programs()
import jax.numpy as jnp
print(jnp.arange(5.0).sum())
"""


def test_a_kept_program_that_is_not_whole_is_compiled_anew_without_a_word(tmp_path):
    """A command that was killed while it wrote leaves one."""
    variables = os.environ | compiled_programs(tmp_path)
    for _ in range(2):
        run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=variables)
        assert (run.returncode, run.stdout, run.stderr) == (0, "10.0\n", "")
        kept = list((tmp_path / "compiled").glob("*/*-cache"))
        assert kept
        for program in kept:
            program.write_bytes(program.read_bytes()[:20])


def test_data_of_a_wrong_format_is_refused_before_jax_is_imported(tmp_path):
    (tmp_path / "table.csv").write_text("1,2\n")
    script = (
        "import sys; from paper_repro.cli import main;"
        f"code = main(['run', 'spectral_law', '--data', '{tmp_path}/table.csv']);"
        "print(code, {'jax', 'scipy', 'matplotlib', 'distributed'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "2 set()\n"
    assert "table.csv has the unsupported extension '.csv'; expected .npy" in done.stderr


@pytest.mark.slow_cases("cuda")
@pytest.mark.parametrize("platform", ["cuda", pytest.param("tpu", marks=pytest.mark.slow), "nonsense"])
def test_a_platform_that_is_not_there_is_one_sentence(tmp_path, platform):
    program = [sys.executable, "-m", "paper_repro", "run", "wang2025_fig6"]
    variables = os.environ | {"JAX_PLATFORMS": platform, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, env=variables)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: JAX_PLATFORMS is {platform!r}, and JAX finds no such platform here")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (f"{ONE_THREAD} --xla_no_such_flag=1", "Unknown flag in XLA_FLAGS: --xla_no_such_flag=1"),
        (
            "--xla_cpu_multi_thread_eigen=perhaps",
            "Couldn't interpret value perhaps for flag xla_cpu_multi_thread_eigen.",
        ),
        ("no_such_file", 'Could not open file "no_such_file" to read flags for environment variable "XLA_FLAGS". '),
        ("--xla_force_host_platform_device_count=2", None),
    ],
)
def test_flags_that_would_end_the_process_get_a_sentence(monkeypatch, flags, complaint):
    found = complaint_about(flags)
    assert found == complaint if found is None else found.startswith(complaint)
    if complaint is not None:
        monkeypatch.setenv("XLA_FLAGS", flags)
        with pytest.raises(UserError, match="XLA_FLAGS is .*, and XLA says: "):
            check_device()


def test_our_own_flags_are_not_tried(monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    assert complaint_about(f"{ONE_THREAD} {QUICK_TO_COMPILE}") is None
    assert complaint_about("") is None
