"""Generated from proto/: tendermint.version."""
