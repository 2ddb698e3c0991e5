"""Figure 6 of Wang & Pehlevan 2025: emergence time against variance for five initialisations."""
