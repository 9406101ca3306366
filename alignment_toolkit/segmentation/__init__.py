"""Segmentations: features in the engine, groups with their stability, and each account's segment and play.

See docs/segments.md. A third party's segmentation is a `Segmentation` in a file of the catalogue.
"""

from alignment_toolkit.segmentation.clustering import Clusters, find_clusters
from alignment_toolkit.segmentation.features import FEATURES, Feature, account_features
from alignment_toolkit.segmentation.kind import Accounts, Placing, Segmentation, found_in_data
from alignment_toolkit.segmentation.potential import Potential, potential_of
from alignment_toolkit.segmentation.reasons import every_play
from alignment_toolkit.segmentation.segmenting import Segmented, kept_accounts, segment_company

__all__ = [
    "FEATURES",
    "Accounts",
    "Clusters",
    "Feature",
    "Placing",
    "Potential",
    "Segmentation",
    "Segmented",
    "account_features",
    "every_play",
    "find_clusters",
    "found_in_data",
    "kept_accounts",
    "potential_of",
    "segment_company",
]
