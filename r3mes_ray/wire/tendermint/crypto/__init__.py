"""Generated from proto/: tendermint.crypto."""
