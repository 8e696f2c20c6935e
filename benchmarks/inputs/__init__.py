"""What is read and counted: seeded logs, lakes, books and spending, the same bytes for the same recipe."""
