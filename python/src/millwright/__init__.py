"""Client of Millwright: predictions, the helpers of a training script, and a spool for the time when the server is down."""

from .datasets import log_dataset
from .delivery import flush
from .errors import MillwrightError, NotConfigured, PromotionRefused, Refused, SpoolFull, Unreachable
from .offline import offline
from .pipeline import get_production_model_auc, load_data_from_warehouse, promote_to_production
from .prediction import predict
from .runs import Run, start_run
from .spool import Flushed

__version__ = "0.1.0"

__all__ = [
    "Flushed",
    "MillwrightError",
    "NotConfigured",
    "PromotionRefused",
    "Refused",
    "Run",
    "SpoolFull",
    "Unreachable",
    "flush",
    "get_production_model_auc",
    "load_data_from_warehouse",
    "log_dataset",
    "offline",
    "predict",
    "promote_to_production",
    "start_run",
]
