"""Generated from proto/: r3mes.v1."""
