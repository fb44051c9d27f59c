"""The training half: from the chain's pending updates to an expert's next version."""
