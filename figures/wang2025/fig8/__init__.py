"""Figure 8 of Wang & Pehlevan 2025: emergence time against variance for flow matching."""
