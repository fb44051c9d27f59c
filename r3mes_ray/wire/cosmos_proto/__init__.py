"""Generated from proto/: cosmos_proto."""
