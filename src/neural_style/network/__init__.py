"""VGG-19: the feature extractor with its hooks, convolutions, weights."""
