"""The iris model of scikit-learn behind the real Triton, as NVIDIA's pytriton starts it."""
import os
import sys
import sysconfig

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

HTTP, GRPC, METRICS = (int(port) for port in sys.argv[1:])
# The library of this interpreter, not another Python of the machine.
os.environ["LD_LIBRARY_PATH"] = ":".join(filter(None, [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")]))
MODEL = LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))


@batch
def predict(**tensors):
    rows = tensors["input-0"]
    return {"predict": MODEL.predict(rows).reshape(-1, 1), "predict_proba": MODEL.predict_proba(rows)}


with Triton(config=TritonConfig(http_port=HTTP, grpc_port=GRPC, metrics_port=METRICS)) as triton:
    triton.bind(
        model_name="iris-lr",
        infer_func=predict,
        inputs=[Tensor(name="input-0", dtype=np.float32, shape=(4,))],
        outputs=[
            Tensor(name="predict", dtype=np.int64, shape=(1,)),
            Tensor(name="predict_proba", dtype=np.float64, shape=(3,)),
        ],
        config=ModelConfig(max_batch_size=4096),
    )
    triton.serve()
