"""Generated from proto/: cosmos.msg.v1."""
