"""The crawl: when to look, how politely, and what one request met."""
