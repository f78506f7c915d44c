"""Files of others become a store."""
