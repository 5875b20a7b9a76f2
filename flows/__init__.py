"""The whiteboard in code: verb and object, one file each."""
