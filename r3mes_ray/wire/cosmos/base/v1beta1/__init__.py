"""Generated from proto/: cosmos.base.v1beta1."""
