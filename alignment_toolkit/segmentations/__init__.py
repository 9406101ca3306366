"""The ready segmentations: one file each."""
