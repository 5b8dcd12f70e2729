"""What `hpo` takes on its command line, a group of verbs a file; ../cli.py puts them together."""
