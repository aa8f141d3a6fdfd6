"""Generators and critics: dense for points, DCGAN or ResNet for images."""
