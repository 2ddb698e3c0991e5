"""Table 1 of Wang & Pehlevan 2025 with every cell checked."""
