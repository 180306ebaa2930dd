"""A training script as one finds them: it uses the three helpers and says nothing of where they come from."""

import sys

import mlflow
import mlflow.sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split

FEATURES = ["days_since_last_order", "total_orders", "lifetime_value", "email_open_rate"]


def train_model(trees: int, depth: int) -> None:
    with mlflow.start_run():
        data = load_data_from_warehouse()
        X_train, X_test, y_train, y_test = train_test_split(
            data[FEATURES], data["churned"], test_size=0.2, random_state=42
        )
        model = RandomForestClassifier(n_estimators=trees, max_depth=depth, random_state=42)
        model.fit(X_train, y_train)

        auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
        mlflow.log_params({"n_estimators": trees, "max_depth": depth})
        mlflow.log_metric("auc", auc)
        mlflow.log_metric("accuracy", accuracy_score(y_test, model.predict(X_test)))
        mlflow.sklearn.log_model(model, "model", serialization_format="cloudpickle")

        in_production = get_production_model_auc()
        print(f"auc {auc:.4f}, in production {in_production:.4f}")
        if auc > in_production:
            promote_to_production(model)
            print("promoted")


if __name__ == "__main__":
    mlflow.set_experiment("churn")
    train_model(*map(int, sys.argv[1:]))
