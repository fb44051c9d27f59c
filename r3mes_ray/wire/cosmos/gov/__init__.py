"""Generated from proto/: cosmos.gov."""
