"""What the user is told in one sentence instead of a traceback."""

EXIT_INTERRUPTED = 130


class UserError(Exception):
    """Bad input (exit code 2), a place that cannot be written (1), or an interruption (130)."""

    def __init__(self, sentence: str, *, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
