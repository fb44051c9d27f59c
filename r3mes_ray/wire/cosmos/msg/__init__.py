"""Generated from proto/: cosmos.msg."""
