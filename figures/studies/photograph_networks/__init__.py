"""Networks trained on patches of photographs: sizes, claims and panels that several figures share."""
