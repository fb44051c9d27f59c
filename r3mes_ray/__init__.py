"""R3MES on Ray: a network that trains, aggregates and serves experts on a ternary base model."""
