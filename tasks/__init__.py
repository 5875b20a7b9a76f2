"""One room per stage: read the workspace, call demand, write what it found, say so in one line."""
