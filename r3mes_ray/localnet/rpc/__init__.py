"""CometBFT's JSON-RPC, as CosmJS and block explorers speak it: `arguments`, `methods`, `render`, `search`, `app`."""
