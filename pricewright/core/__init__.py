"""All that serving needs, and training shares: demand, prices and the files of a release, in numpy alone."""
