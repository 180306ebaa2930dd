"""What a program with MLServer's codecs reads from a server, MLServer itself or another: one JSON document, an entry a call."""
import json
import sys
import urllib.request

import pandas as pd
from mlserver.codecs import NumpyRequestCodec, PandasCodec
from mlserver.types import InferenceResponse, RequestOutput

HTTP = sys.argv[1]
IRIS = pd.read_csv(f"{sys.argv[2]}/iris-rows.csv").iloc[:, :4]
MIXED = pd.read_csv(f"{sys.argv[2]}/mixed-rows.csv").iloc[:, :4]


def ask(path, body=None):
    data = None if body is None else body.encode()
    request = urllib.request.Request(f"http://{HTTP}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, answer.read()


def infer(model, codec, rows, *outputs, path=""):
    request = codec.encode_request(rows, **({"use_bytes": False} if codec is PandasCodec else {}))
    request.outputs = [RequestOutput(name=name) for name in outputs] or None
    _, body = ask(f"/v2/models/{model}{path}/infer", request.model_dump_json())
    decoded = codec.decode_response(InferenceResponse.model_validate_json(body))
    return json.loads(decoded.to_json(double_precision=15)) if codec is PandasCodec else decoded.tolist()


print(
    json.dumps(
        {
            "live": ask("/v2/health/live")[0],
            "ready": [ask(path)[0] for path in ("/v2/health/ready", "/v2/models/iris/ready", "/v2/models/iris/versions/v3/ready")],
            "metadata": json.loads(ask("/v2/models/mixed")[1])["name"],
            "index": sorted(x["name"] for x in json.loads(ask("/v2/repository/index", '{"ready": true}')[1])),
            "numpy": infer("iris", NumpyRequestCodec, IRIS.to_numpy()),
            "numpy, a version": infer("iris", NumpyRequestCodec, IRIS.to_numpy(), path="/versions/v3"),
            "numpy, probabilities": infer("iris", NumpyRequestCodec, IRIS.to_numpy(), "predict_proba"),
            "pandas": infer("mixed", PandasCodec, MIXED),
            "pandas, one row": infer("mixed", PandasCodec, MIXED.head(1)),
            "pandas, columns in another order": infer("mixed", PandasCodec, MIXED[MIXED.columns[::-1]]),
            "pandas, a column more": infer("mixed", PandasCodec, MIXED.assign(more=1)),
            "pandas, both outputs": infer("mixed", PandasCodec, MIXED, "predict", "predict_proba"),
            "pandas, names of its own": infer("iris", PandasCodec, IRIS.set_axis(list("abcd"), axis=1)),
        }
    )
)
