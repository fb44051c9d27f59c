"""Generated from proto/: r3mes."""
