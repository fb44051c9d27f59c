"""REST for wallets: every query of gRPC at the path that its definition names, in grpc-gateway's JSON."""
