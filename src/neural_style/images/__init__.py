"""Image tensors: files, sizes, colours."""
