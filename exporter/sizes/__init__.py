"""What models and packages weigh in stores and on devices."""
