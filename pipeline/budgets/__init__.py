"""What is spent, held against what was meant to be: budgets, what their periods will come to, and days out of line.

Owns which period a budget is about, which alert level is reached, the estimate of what is still to come with its
interval, and when a day is far from its own past. Does not own what usage costs (``pipeline.rating``), whose spending
is looked at (``pipeline.jobs.answers.watched``), nor the file (``pipeline.configuration.budgets_file``). It alters no
bill. Read first: ``budget``, then ``forecast``.

What is spent is exact, a ``Decimal``, and added up without losing a digit. Floats are inside estimates alone, which are
rounded to the minor unit of the currency before they leave.
"""

from pipeline.budgets.anomalies import Anomaly, Direction, UsualDay, anomaly_of
from pipeline.budgets.budget import Budget, Cadence, Scope
from pipeline.budgets.forecast import Forecast, forecast_of

__all__ = ["Anomaly", "Budget", "Cadence", "Direction", "Forecast", "Scope", "UsualDay", "anomaly_of", "forecast_of"]
