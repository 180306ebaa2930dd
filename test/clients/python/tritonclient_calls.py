"""Every call of tritonclient that a scoring program makes, over HTTP and gRPC, plain and asyncio: one JSON document."""
import asyncio
import json
import sys
import threading

import numpy as np
import tritonclient.grpc as grpc
import tritonclient.grpc.aio as grpc_aio
import tritonclient.http as http
import tritonclient.http.aio as http_aio

URL = f"127.0.0.1:{sys.argv[1]}"
ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], dtype=np.float32)
MIXED = {"city": ["Oslo"], "plan": ["pro"], "age": [61.0], "income": [71000.5]}


def tensors(api, **options):
    tensor = api.InferInput("input-0", [2, 4], "FP32")
    tensor.set_data_from_numpy(ROWS, **options)
    return [tensor]


def columns(api):
    made = []
    for name, values in MIXED.items():
        text = isinstance(values[0], str)
        tensor = api.InferInput(name, [1, 1], "BYTES" if text else "FP64")
        tensor.set_data_from_numpy(np.array(values, dtype=np.object_ if text else np.float64).reshape(1, 1))
        made.append(tensor)
    return made


def plain(array):
    return [x.decode() if isinstance(x, bytes) else x for x in array.reshape(-1).tolist()]


def both(result):
    return {name: plain(result.as_numpy(name)) for name in ("predict", "predict_proba")}


def failure(call):
    try:
        return call()
    except Exception as error:
        return {"status": str(error.status()), "message": error.message()}


def calls(client, api):
    top = api.InferRequestedOutput("predict_proba", class_count=2)
    wrong = api.InferInput("input-0", [2, 3], "FP32")
    wrong.set_data_from_numpy(ROWS[:, :3])
    index = client.get_model_repository_index()
    metadata = client.get_model_metadata("iris-lr")
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": [client.is_model_ready("iris-lr"), client.is_model_ready("nope")],
        "server": client.get_server_metadata()["name"] if api is http else client.get_server_metadata().name,
        "inputs": [x["name"] for x in metadata["inputs"]] if api is http else [x.name for x in metadata.inputs],
        "index": sorted(x["name"] for x in index) if api is http else sorted(x.name for x in index.models),
        "infer": both(client.infer("iris-lr", tensors(api))),
        "id": client.infer("iris-lr", tensors(api), request_id="r-1").get_response(as_json=True)["id"]
        if api is grpc
        else client.infer("iris-lr", tensors(api), request_id="r-1").get_response()["id"],
        "classes": plain(client.infer("iris-lr", tensors(api), outputs=[top]).as_numpy("predict_proba")),
        "columns": plain(client.infer("mixed", columns(api)).as_numpy("predict")),
        "unknown": failure(lambda: both(client.infer("nope", tensors(api)))),
        "wrong": failure(lambda: both(client.infer("iris-lr", [wrong]))),
    }


def http_calls():
    with http.InferenceServerClient(URL) as client:
        return calls(client, http) | {
            "json": both(client.infer("iris-lr", tensors(http, binary_data=False))),
            "gzip": both(client.infer("iris-lr", tensors(http), request_compression_algorithm="gzip")),
            "config": client.get_model_config("iris-lr")["name"],
        }


def grpc_calls():
    with grpc.InferenceServerClient(URL) as client:
        answers, done = [], threading.Semaphore(0)

        def take(result, error):
            answers.append(str(error) if error else plain(result.as_numpy("predict")))
            done.release()

        client.start_stream(take)
        for model in ("iris-lr", "nope", "iris-lr"):
            client.async_stream_infer(model, tensors(grpc))
        for _ in range(3):
            done.acquire(timeout=10)
        client.stop_stream()
        return calls(client, grpc) | {
            "gzip": both(client.infer("iris-lr", tensors(grpc), compression_algorithm="gzip")),
            "deadline": both(client.infer("iris-lr", tensors(grpc), client_timeout=10.0)),
            "config": client.get_model_config("iris-lr").config.name,
            "statistics": client.get_inference_statistics("iris-lr").model_stats[0].inference_count > 0,
            "shared_memory": len(client.get_system_shared_memory_status().regions),
            "trace": list(client.get_trace_settings().settings["trace_level"].value),
            "stream": answers,
        }


async def aio_calls(api, make):
    async with make(URL) as client:
        many = await asyncio.gather(*(client.infer("iris-lr", tensors(api)) for _ in range(20)))
        return {"live": await client.is_server_live(), "infer": both(many[0]), "same": len({str(both(x)) for x in many})}


print(
    json.dumps(
        {
            "http": http_calls(),
            "grpc": grpc_calls(),
            "http.aio": asyncio.run(aio_calls(http_aio, http_aio.InferenceServerClient)),
            "grpc.aio": asyncio.run(aio_calls(grpc_aio, grpc_aio.InferenceServerClient)),
        }
    )
)
