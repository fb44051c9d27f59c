"""Generated from proto/: tendermint."""
