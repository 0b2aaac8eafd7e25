"""What was measured: readers of the published workbooks, the tidy tables, their rules, and folds."""
from mtl_core.data.build import build_tables
from mtl_core.data.folds import composition_groups, make_folds, reference_groups
from mtl_core.data.rules import DEFAULT_EXCLUDED, RULES
from mtl_core.data.summary import summary
from mtl_core.data.tables import DATA_DIR, AlloyTable, check_tables, read_tables, write_tables
from mtl_core.data.training import observations, waterfall

__all__ = [
    "DATA_DIR", "DEFAULT_EXCLUDED", "RULES", "AlloyTable", "build_tables", "check_tables", "composition_groups",
    "make_folds", "observations", "read_tables", "reference_groups", "summary", "waterfall", "write_tables",
]
