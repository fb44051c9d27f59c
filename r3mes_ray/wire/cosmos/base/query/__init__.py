"""Generated from proto/: cosmos.base.query."""
