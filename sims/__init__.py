"""What real learners do: training runs and their statistics, beside the bounds of theory."""
