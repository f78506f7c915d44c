"""Where hits and directions lie in the images of the detector: the Python twin of interface/."""
