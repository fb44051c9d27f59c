"""Generated from proto/: cosmos.tx.v1beta1."""
