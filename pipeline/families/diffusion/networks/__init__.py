"""Networks of diffusion and flow matching: a perceptron for points, U-Nets for images."""
