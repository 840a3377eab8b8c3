"""Operation: the service manager's units and protocol, and the health that one look should tell."""
