"""Built-in faces: drawn from a 3D shape of 68 landmarks, written in the datasets' layouts."""
