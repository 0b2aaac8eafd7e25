"""Your own measurements: from the file of a laboratory to the three tables, or to what is wrong with it, row by row."""
from mtl_core.intake.convert import Intake, convert, obstacles
from mtl_core.intake.files import bad_rows_csv, template_csv
from mtl_core.intake.mapping import Mapping, Question, propose_mapping
from mtl_core.intake.sheet import Sheet, read_file

__all__ = ["Intake", "Mapping", "Question", "Sheet", "bad_rows_csv", "convert", "obstacles",
           "propose_mapping", "read_file", "template_csv"]
