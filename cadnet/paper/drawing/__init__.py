"""The paper's figures: pure functions from arrays and tables to matplotlib figures."""
