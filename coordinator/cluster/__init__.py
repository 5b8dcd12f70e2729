"""The part of the coordinator that knows Kubernetes: what the laptop asks of the cluster, and the
service in the cluster that does it."""
