"""What a program with tritonclient reads from MLServer, or another server: one JSON document, an entry a call."""
import json
import sys

import numpy as np
import pandas as pd
import tritonclient.grpc as grpc
import tritonclient.http as http

HTTP, GRPC, FOLDER = sys.argv[1:]
IRIS = pd.read_csv(f"{FOLDER}/iris-rows.csv").iloc[:, :4].to_numpy()
MIXED = pd.read_csv(f"{FOLDER}/mixed-rows.csv").iloc[:, :4]
BOTH = ("predict", "predict_proba")
# Over gRPC MLServer hands text to the model as bytes, which no category equals.
PANDAS = {"content_type": "pd"}


def calls(api, address):
    # MLServer reads no bytes behind the JSON.
    options = {"binary_data": False} if api is http else {}

    def tensor(name, values, datatype):
        made = api.InferInput(name, list(values.shape), datatype)
        made.set_data_from_numpy(values, **options)
        return made

    def column(name):
        values = MIXED[name].to_numpy().reshape(-1, 1)
        return tensor(name, values, {"i": "INT64", "f": "FP64"}.get(values.dtype.kind, "BYTES"))

    def infer(model, inputs, **more):
        asked = [api.InferRequestedOutput(name, **options) for name in BOTH]
        answer = client.infer(model, inputs, outputs=asked, **more)
        text = lambda x: x.decode() if isinstance(x, bytes) else x
        return {name: [text(x) for x in answer.as_numpy(name).ravel().tolist()] for name in BOTH}

    with api.InferenceServerClient(address) as client:
        return {
            "ready": [client.is_server_live(), client.is_server_ready(), client.is_model_ready("iris")],
            "FP64": infer("iris", [tensor("x", IRIS, "FP64")]),
            "FP32": infer("iris", [tensor("x", IRIS.astype("float32"), "FP32")]),
            "version": infer("iris", [tensor("x", IRIS, "FP64")], model_version="v3"),
        } | ({"columns": infer("mixed", [column(name) for name in MIXED], parameters=PANDAS)} if api is http else {})


print(json.dumps({"http": calls(http, HTTP), "grpc": calls(grpc, GRPC)}))
