"""The built-in questions, a module for each area."""
