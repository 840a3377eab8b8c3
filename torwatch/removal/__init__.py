"""Taking out what was stored: pages that expired, a vendor account or a market that is to be forgotten."""
