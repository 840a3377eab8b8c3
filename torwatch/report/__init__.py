"""What is shown of the database: the metadata that datasette reads."""
