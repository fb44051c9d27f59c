"""The OpenAI surface: what clients send (`requests`), what they get (`responses`), and errors in its shape."""
