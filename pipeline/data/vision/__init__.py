"""The standard image sets, from the user's own copy: no pickle is opened, and nothing is downloaded here.

stored      files on disk: all there, readable, undamaged
official    official splits -> train, validation and test
standard    the keywords that most sets share
idx         MNIST's file format
mnist       MNIST, Fashion-MNIST, KMNIST
emnist      EMNIST, by split
binarised   MNIST in two levels, static and dynamic: two datasets, whose numbers do not compare
cifar       CIFAR-10 and CIFAR-100, from their binary versions
svhn        SVHN, cropped digits
celeba      CelebA, aligned and cropped faces

torchvision's readers are not used: those of CIFAR unpickle, that of MNIST does so where it finds a `training.pt`.
"""
