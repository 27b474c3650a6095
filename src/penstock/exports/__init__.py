"""Receipts as tables for other programs."""
