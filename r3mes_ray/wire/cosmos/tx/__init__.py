"""Generated from proto/: cosmos.tx."""
