"""MLflow's scoring client and a SageMaker runtime call. Prints one JSON document."""
import json
import sys

import boto3
import pandas as pd
from botocore.config import Config
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

PORT = sys.argv[1]
FRAME = pd.DataFrame([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], columns=["x0", "x1", "x2", "x3"])


def attempt(call):
    try:
        return call()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}


def sagemaker():
    runtime = boto3.client(
        "sagemaker-runtime",
        endpoint_url=f"http://127.0.0.1:{PORT}",
        region_name="eu-north-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 1}),
    )
    body = json.dumps({"instances": FRAME.values.tolist()})
    answer = runtime.invoke_endpoint(EndpointName="iris-lr", ContentType="application/json", Body=body)
    return json.loads(answer["Body"].read())


client = ScoringServerClient("127.0.0.1", int(PORT))
print(
    json.dumps(
        {
            "ping": attempt(lambda: client.ping()),
            "invoke": attempt(lambda: client.invoke(FRAME).get_predictions(predictions_format="ndarray").tolist()),
            "sagemaker": attempt(sagemaker),
        },
        default=lambda value: value.values.reshape(-1).tolist(),
    )
)
