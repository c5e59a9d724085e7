"""Features and pictures to numbers: the paper's equations, moments, statistics, variation."""
