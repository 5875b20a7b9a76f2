"""The drill: everything runs, things break one after the other, and at the end an auditor looks for what was lost."""
