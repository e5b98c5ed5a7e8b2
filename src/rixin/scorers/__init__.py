"""What judges an answer against what was expected. Unscored is not zero."""
