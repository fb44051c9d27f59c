"""A round checked by somebody else: recomputed from chain and content, judged, and challenged where it is fraud."""
