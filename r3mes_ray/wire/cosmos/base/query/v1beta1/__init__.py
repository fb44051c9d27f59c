"""Generated from proto/: cosmos.base.query.v1beta1."""
