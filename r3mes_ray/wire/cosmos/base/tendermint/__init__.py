"""Generated from proto/: cosmos.base.tendermint."""
