"""The database's own containers: the server, the pooler before it, its backups."""
