"""Coins for those who join a test network: `account` pays, `limits` say how often, `app` is the server."""
