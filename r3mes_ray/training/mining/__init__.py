"""The miner's side of a round: an update is trained, submitted, and only then published."""
