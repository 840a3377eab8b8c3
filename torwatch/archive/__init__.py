"""The archive: one WARC a snapshot, the evidentiary copy from which the database can be made again."""
