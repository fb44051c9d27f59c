"""Passages for the prompt: documents of a folder, cut into chunks, indexed by FAISS."""

from __future__ import annotations

from r3mes_ray.serving.retrieval.retriever import Passage, Retriever, open_retriever

__all__ = ["Passage", "Retriever", "open_retriever"]
