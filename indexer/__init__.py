"""The gallery (durable store and FAISS view) and the indexing of whole camera archives."""
