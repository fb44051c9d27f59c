"""Generated from proto/: cosmos.gov.v1."""
