"""Documents to chunks, embeddings, a FAISS index and cited passages."""
