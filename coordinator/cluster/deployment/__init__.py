"""What `hpo deploy` brings into a cluster and `hpo undeploy` takes away."""
