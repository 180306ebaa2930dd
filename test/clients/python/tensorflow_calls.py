"""TensorFlow Serving calls by grpcio, with stubs made from our own .proto file. Prints one JSON document."""
import json
import sys
import tempfile

import grpc
import numpy as np
from grpc_tools import protoc

PORT, FOLDER = sys.argv[1], sys.argv[2]
made = tempfile.mkdtemp()
protoc.main(["protoc", f"-I{FOLDER}", f"--python_out={made}", f"--grpc_python_out={made}", "tensorflow_serving.proto"])
sys.path.insert(0, made)
import tensorflow_serving_pb2 as messages
import tensorflow_serving_pb2_grpc as services

ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], dtype="<f4")


def request(name="iris-lr"):
    asked = messages.PredictRequest(model_spec=messages.ModelSpec(name=name))
    tensor = asked.inputs["input-0"]
    tensor.dtype = messages.DT_FLOAT
    for size in ROWS.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = ROWS.tobytes()
    return asked


def failure(call):
    try:
        return str(call())
    except grpc.RpcError as error:
        return [error.code().name, error.details()]


with grpc.insecure_channel(f"127.0.0.1:{PORT}") as channel:
    prediction = services.PredictionServiceStub(channel)
    model = services.ModelServiceStub(channel)
    spec = messages.ModelSpec(name="iris-lr")
    answer = prediction.Predict(request(), timeout=10)
    metadata = prediction.GetModelMetadata(
        messages.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
    )
    signature = messages.SignatureDefMap.FromString(metadata.metadata["signature_def"].value)
    print(
        json.dumps(
            {
                "predict": list(answer.outputs["predict"].int64_val),
                "predict_proba": list(answer.outputs["predict_proba"].double_val),
                "inputs": list(signature.signature_def["serving_default"].inputs),
                "state": model.GetModelStatus(messages.SpecifiedRequest(model_spec=spec)).model_version_status[0].state,
                "unknown": failure(lambda: prediction.Predict(request("nope"))),
                "classify": failure(lambda: prediction.Classify(messages.SpecifiedRequest(model_spec=spec))),
            }
        )
    )
