"""The files of a release as the price API reads them, without a library that Lambda would have to carry."""
