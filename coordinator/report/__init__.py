"""A study as one HTML page: what is read (evidence, result), what follows from it (effects, cost,
importance), how it is said and drawn (sentences, figures, sections), and the page."""
