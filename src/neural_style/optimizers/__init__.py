"""A picture and `value_and_grad` to a better picture: one file a method. Nothing here knows of style."""
