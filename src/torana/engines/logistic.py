"""Logistic regression over rows of numbers, for models that are trained here."""

from typing import Any

_PENALTY = 0.1
_STEPS = 30


def separated(numpy: Any, rows: Any, answer: Any) -> tuple[Any, float]:
    """A logistic regression: weights and bias that tell the rows of `answer` from the others.

    Both sides weigh alike. Newton's method; the penalty on the weights makes it converge.
    """
    rows = numpy.hstack([rows, numpy.ones((len(rows), 1), "float32")]).astype("float64")
    share = numpy.where(answer, 0.5 / answer.mean(), 0.5 / (1 - answer.mean()))
    penalty = numpy.full(rows.shape[1], _PENALTY)
    penalty[-1] = 1e-6
    found = numpy.zeros(rows.shape[1])
    for _ in range(_STEPS):
        said = 1 / (1 + numpy.exp(-rows @ found))
        slope = rows.T @ (share * (said - answer)) + penalty * found
        curve = (rows * (share * said * (1 - said))[:, None]).T @ rows + numpy.diag(penalty)
        step = numpy.linalg.solve(curve, slope)
        found -= step
        if abs(step).max() < 1e-4:
            break
    return found[:-1], float(found[-1])
