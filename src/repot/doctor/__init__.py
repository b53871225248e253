"""What is wrong, the evidence for it, and the next command."""
