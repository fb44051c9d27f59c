"""Base models and adapters: BitNet b1.58, the adapter package, DoRA, training and evaluation on one machine."""
