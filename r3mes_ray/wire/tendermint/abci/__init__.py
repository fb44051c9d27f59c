"""Generated from proto/: tendermint.abci."""
