"""Generated from proto/: cosmos.base.tendermint.v1beta1."""
