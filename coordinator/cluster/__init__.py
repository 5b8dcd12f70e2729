"""Kubernetes: what the laptop asks of a cluster, and what the coordinator in it does."""
