"""What runs on this machine: composes both halves with the chain, and keeps them running."""
