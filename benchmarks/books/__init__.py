"""What rating, questions, forecasts and screens cost of large books."""
