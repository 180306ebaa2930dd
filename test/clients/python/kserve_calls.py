"""Calls of the KServe SDK: REST V1 and V2, gRPC. Prints one JSON document."""
import asyncio
import json
import sys

PORT = sys.argv[1]
sys.argv = sys.argv[:1]  # the SDK reads them when it is imported

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], dtype=np.float32)


def request(binary):
    tensor = InferInput("input-0", [2, 4], "FP32")
    tensor.set_data_from_numpy(ROWS, binary_data=binary)
    return InferRequest(model_name="iris-lr", infer_inputs=[tensor])


def values(response):
    return [[output.name, output.as_numpy().reshape(-1).tolist()] for output in response.outputs]


async def attempt(call):
    try:
        return await call
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


async def main():
    base = f"http://127.0.0.1:{PORT}"
    v2 = InferenceRESTClient(config=RESTConfig(protocol="v2"))
    v1 = InferenceRESTClient(config=RESTConfig(protocol="v1"))
    grpc = InferenceGRPCClient(url=f"127.0.0.1:{PORT}")
    found = {
        "v2": {
            "live": await v2.is_server_live(base),
            "ready": await v2.is_server_ready(base),
            "model_ready": await v2.is_model_ready(base, "iris-lr"),
            "json": values(await v2.infer(base, request(False), model_name="iris-lr")),
            "binary": values(await v2.infer(base, request(True), model_name="iris-lr")),
            "unknown": await attempt(v2.infer(base, request(False), model_name="nope")),
        },
        "grpc": {
            "live": await grpc.is_server_live(),
            "ready": await grpc.is_server_ready(),
            "model_ready": await grpc.is_model_ready("iris-lr"),
            "typed": values(await grpc.infer(request(False))),
            "raw": values(await grpc.infer(request(True))),
        },
    }
    found["v1"] = await attempt(v1.infer(base, {"instances": ROWS.tolist()}, model_name="iris-lr"))
    print(json.dumps(found))


asyncio.run(main())
