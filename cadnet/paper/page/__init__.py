"""The parts of ``reports/index.html``: the order, what is shown, the curves, the templates."""
