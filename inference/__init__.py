"""The price API: answers at which price expected sales are highest, from a release, whatever else has failed."""
