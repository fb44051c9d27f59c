"""Generated from proto/: tendermint.types."""
