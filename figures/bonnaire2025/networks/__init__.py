"""When MLPs generalise and when they memorise, by the number of training points, and what stopping early does."""
