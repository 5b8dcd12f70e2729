"""Launches, watches, promotes, serves. Never imports torch; see cli.py for the verbs."""
