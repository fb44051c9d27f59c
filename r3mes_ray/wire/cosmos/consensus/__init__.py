"""Generated from proto/: cosmos.consensus."""
