"""What a network reads of an example: one file for each kind of input.

`Inputs` are those of all rows of a data set, raw. Fitted on the training rows they know how an example is encoded
(`FittedInputs`), and on a device they give batches of encoded examples (`DeviceInputs`). A kind keeps its rows where it
likes, as an array, a memory map or a table of keys, and encodes them once or whenever a batch is taken.
"""

from paretofair.data.inputs.columns import Columns, DeviceRows, FittedColumns, find_strata
from paretofair.data.inputs.encoding import Encoding
from paretofair.data.inputs.protocol import DeviceInputs, FittedInputs, Inputs

__all__ = [
    "Columns",
    "DeviceInputs",
    "DeviceRows",
    "Encoding",
    "FittedColumns",
    "FittedInputs",
    "Inputs",
    "find_strata",
]
