"""Plain mlflow code, run while the server may be away."""

import sys

import mlflow
import mlflow.data
import mlflow.sklearn
import pandas
from sklearn.linear_model import LogisticRegression

import millwright

FEATURES = ["days_since_last_order", "total_orders", "lifetime_value", "email_open_rate"]

with millwright.offline() as is_offline:
    data = pandas.read_csv(sys.argv[1]).head(500)
    mlflow.set_experiment("nightly")
    with mlflow.start_run(run_name="at sea"):
        model = LogisticRegression(max_iter=1000).fit(data[FEATURES], data["churned"])
        mlflow.log_params({"max_iter": 1000})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_input(mlflow.data.from_pandas(data, name="customers"), context="training")
        mlflow.log_text("calm", "weather/report.txt")
        logged = mlflow.sklearn.log_model(
            model, name="model", registered_model_name="tide", serialization_format="cloudpickle", input_example=data[FEATURES].head(3)
        )
        mlflow.MlflowClient().set_registered_model_alias("tide", "challenger", "1")
        millwright.promote_to_production(logged, model="tide")
print("offline" if is_offline else "online")
