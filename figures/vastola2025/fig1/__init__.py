"""Figure 1 of Vastola 2025: where the proxy score is uncertain."""
