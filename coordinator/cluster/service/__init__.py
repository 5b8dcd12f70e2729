"""The coordinator in the cluster: sees what is asked and what there is, decides, acts."""
