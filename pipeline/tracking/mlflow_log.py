"""What MLflow and its libraries log goes into logs/mlflow.log, without secrets, and not to the terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline import paths
from pipeline.tracking.address import scrub

FILE = paths.LOGS / "mlflow.log"
LOGGERS = ("mlflow", "alembic", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "urllib3", "huey")
"""Those of them that have handlers of their own, or none."""


class _Handler(logging.Handler):
    """Appends to `FILE`, which is made with the first record. Where it cannot be written, the record is lost."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            FILE.parent.mkdir(parents=True, exist_ok=True)
            with FILE.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(self.format(record) + "\n")
        except OSError:
            return


class _Formatter(logging.Formatter):
    def __init__(self, address: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._address = address

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record), self._address)


@contextmanager
def diverted(address: str) -> Iterator[None]:
    """Divert the records of `LOGGERS` while the block runs.

    Args:
        address: of the store; what may be a secret in it is hidden.
    """
    handler, loggers = _Handler(), [logging.getLogger(name) for name in LOGGERS]
    handler.setFormatter(_Formatter(address))
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
        handler.close()
