"""Word vectors on gensim, and a GPT's own embeddings: a store, analogies, projections, training, evaluation."""
