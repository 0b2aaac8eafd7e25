"""Multi-task neural-network ensembles on sparsely labelled alloy data.

Importing the package costs nothing heavy: TensorFlow and UMAP are loaded by the module that needs them.
"""
__version__ = "0.1.0"
