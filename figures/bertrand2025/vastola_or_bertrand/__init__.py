"""Does the noise of the targets make diffusion models generalise? Two papers disagree; both are put to the test."""
