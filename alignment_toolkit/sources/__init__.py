"""Sources: how a company's data is read, part by part, and typed by declaration."""
