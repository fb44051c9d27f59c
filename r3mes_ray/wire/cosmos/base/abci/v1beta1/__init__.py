"""Generated from proto/: cosmos.base.abci.v1beta1."""
