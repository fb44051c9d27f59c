"""Generated from proto/: cosmos.auth.v1beta1."""
