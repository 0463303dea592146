"""Everything about the LSTM: equations, Jacobians, derivatives by the parameters, the backward pass."""

import symlstm as sl
from derivations.checks import Checks
from symlstm.emit import document, report
from symlstm.emit.document import Document


def page(checks: Checks) -> Document:
    """What `symlstm derive lstm` prints, as a page."""
    return document(report(sl.cell("lstm")), evidence=checks.evidence)
