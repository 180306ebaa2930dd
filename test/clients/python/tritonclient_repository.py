"""What tritonclient sees of a model while it is unloaded and loaded, over HTTP and gRPC: one JSON document."""
import json
import sys

import tritonclient.grpc as grpc
import tritonclient.http as http

URL, NAME = f"127.0.0.1:{sys.argv[1]}", sys.argv[2]


def states(api):
    with api.InferenceServerClient(URL) as client:
        seen = [client.is_model_ready(NAME)]
        for change in (client.unload_model, client.load_model):
            change(NAME)
            seen.append(client.is_model_ready(NAME))
        try:
            client.load_model(NAME, config="{}")
        except Exception as error:
            seen.append(error.message())
        return seen


print(json.dumps({"http": states(http), "grpc": states(grpc)}))
