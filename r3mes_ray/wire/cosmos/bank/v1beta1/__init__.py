"""Generated from proto/: cosmos.bank.v1beta1."""
