"""What is printed: labels, and the acceptance record of each box."""
