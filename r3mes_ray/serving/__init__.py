"""The serving half: a question is routed to an expert and answered with passages; the answer names all of it."""
