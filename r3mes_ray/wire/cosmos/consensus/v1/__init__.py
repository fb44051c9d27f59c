"""Generated from proto/: cosmos.consensus.v1."""
