"""The program that Millwright replaces: one Flask file around a pickle, as data scientists write it.

gunicorn --bind 127.0.0.1:PORT --workers 4 flask_app:app       MODEL=churn_model_v2.pkl
"""

import logging
import os

import joblib
import numpy as np
from flask import Flask, jsonify, request

logging.basicConfig(level=logging.INFO)
app = Flask(__name__)
model = joblib.load(os.environ["MODEL"])
FEATURES = ["days_since_last_order", "total_orders", "lifetime_value", "email_open_rate"]


@app.route("/health")
def health():
    return jsonify({"status": "healthy", "model_version": "v2"})


@app.route("/predict", methods=["POST"])
def predict():
    try:
        data = request.get_json()
        for feature in FEATURES:
            if feature not in data:
                return jsonify({"error": f"Missing required field: {feature}"}), 400
        features = np.array([[float(data[feature]) for feature in FEATURES]])
        probability = model.predict_proba(features)[0][1]
        app.logger.info("Prediction for %s: probability=%.3f", data.get("customer_id"), probability)
        return jsonify({
            "customer_id": data.get("customer_id"),
            "churn_probability": float(probability),
            "churn_prediction": int(probability > 0.5),
            "risk_level": "high" if probability > 0.7 else "medium" if probability > 0.4 else "low",
            "model_version": "v2",
        })
    except Exception as error:
        app.logger.error("Prediction error: %s", error)
        return jsonify({"error": "Prediction failed"}), 500
