"""What a kernel can do, found by asking it: three-valued answers, each with its evidence."""

from conformance.kernel.features.answers import Answer3, Feature, Features
from conformance.kernel.features.probing import probe

__all__ = ["Answer3", "Feature", "Features", "probe"]
