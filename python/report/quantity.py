"""How numbers are named and written: titles, units and symbols on axes; values with their errors."""

from __future__ import annotations

import math
from typing import NamedTuple


class Quantity(NamedTuple):
    """How to name a number per event."""

    title: str
    unit: str = ""
    symbol: str = ""
    """For the axis, in place of the title."""

    @property
    def plain(self) -> str:
        """Name in a table."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def axis(self) -> str:
        """Label of the axis."""
        return self._replace(title=self.symbol or self.title).plain


KINEMATICS = {
    "pt": Quantity("pT", "GeV", "$p_T$"),
    "energy": Quantity("energy", "GeV"),
    "mass": Quantity("mass", "GeV"),
    "m": Quantity("mass", "GeV"),
    "m0": Quantity("mass", "GeV"),
    "eta": Quantity("eta", "", r"$\eta$"),
    "phi": Quantity("phi", "rad", r"$\phi$"),
    "ieta": Quantity("ieta", "", r"$i\eta$"),
    "iphi": Quantity("iphi", "", r"$i\phi$"),
}
"""Event columns by name."""


LEAST = 1e-9
"""An error below is none: that of an AUC of exactly 1, rounded."""


def kinematic(name: str) -> Quantity:
    """Return how an event column is named."""
    return KINEMATICS.get(name, Quantity(name))


def with_error(value: float | None, error: float | None, sign: str = "±") -> str:
    """Return a value with its error, both to the digits that the error leaves (the PDG's rule).

    >>> with_error(0.78412, 0.00573), with_error(0.97968, 0.00114), with_error(8.3, None)
    ('0.784 ± 0.006', '0.9797 ± 0.0011', '8.3')
    """
    if value is None:
        return "-"
    if error is None or not math.isfinite(error) or error < LEAST:
        return f"{value:.4g}"
    digits = error_digits(error)
    return f"{value:.{digits}f} {sign} {error:.{digits}f}"


def error_digits(error: float) -> int:
    """Return the decimal places of an error above 0: two digits of it where they are below 36, else one.

    >>> error_digits(0.0114), error_digits(0.00573), error_digits(0.0097), error_digits(12.0)
    (3, 3, 3, 0)
    """
    exponent = math.floor(math.log10(error))
    leading = round(error / 10.0 ** (exponent - 2))
    return max(0, (0 if leading > 354 else 1) - exponent)
