"""Image tensors: files, sizes, colours, masks."""
