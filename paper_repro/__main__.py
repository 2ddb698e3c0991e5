"""`paper-repro`, also as `python -m paper_repro`."""

import sys

from paper_repro.errors import EXIT_INTERRUPTED
from paper_repro.neighbours import put_ours_first


def main() -> int:
    """Run the command line with our packages, whatever else has their names. Returns its exit code."""
    put_ours_first()
    try:
        from paper_repro.cli import main as command_line

        return command_line()
    except KeyboardInterrupt:  # before the command has begun
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
