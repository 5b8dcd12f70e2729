"""The verbs of a person with a kubeconfig: what they ask of the cluster and what they are shown."""
