"""Generated from proto/: cosmos.base."""
