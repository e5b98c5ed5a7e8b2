"""What things are: scenario, case, answer, score, outcome, verdict, money, ids. No IO."""
