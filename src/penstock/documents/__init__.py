"""Stores of documents, as `verify` looks into them."""
