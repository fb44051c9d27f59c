"""One file per command group; `main` finds them."""
