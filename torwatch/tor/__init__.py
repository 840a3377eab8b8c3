"""Tor: our own process or the system's, driven through stem; onion addresses, SOCKS identities, and why an onion did not answer."""
