"""The chain: keys, transactions, queries and the client that signs for one account."""
