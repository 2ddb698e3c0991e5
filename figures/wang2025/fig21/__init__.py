"""Figure 21 of Wang & Pehlevan 2025: mean and covariance learned together."""
