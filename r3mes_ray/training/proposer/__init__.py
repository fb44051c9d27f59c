"""The proposer's side of a round: its nine steps, their journal, and the daemon that follows experts."""
