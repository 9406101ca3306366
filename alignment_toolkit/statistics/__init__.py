"""Statistics: arrays and small frames in, an Estimate or a Gap out; see docs/statistics.md.

Every function states its estimand first. Lack of data never raises: the Estimate then has no value, or no
interval, and its method says why. Nothing here returns NaN or an infinity.
"""
