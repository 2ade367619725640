"""From text to vectors: sentence-transformers prepares a model, ONNX Runtime serves it."""
