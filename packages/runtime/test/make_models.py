"""python make_models.py: writes the models of fixtures/ with onnx 1.20: ones that compute on, take memory or misbehave."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROWS = ["rows", 2]
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def save(name, nodes, constants, opset=18):
    inputs, outputs = [value("x", FLOAT, ROWS)], [value("y", FLOAT, ROWS)]
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8, producer_name="by hand")
    onnx.save(model, Path(__file__).parent / "fixtures" / f"{name}.onnx")


# The largest value of the rows decides: above 100, `many`.
choice = [
    helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
    helper.make_node("Greater", ["most", "hundred"], ["large"]),
    helper.make_node("Where", ["large", "many", "few"], ["count"]),
]
hundred = constant("hundred", np.float32(100))

step = helper.make_graph(
    [
        helper.make_node("Identity", ["again"], ["again_next"]),
        helper.make_node("Add", ["v", "one"], ["v_next"]),
    ],
    "step",
    [value("i", INT64, []), value("again", BOOL, []), value("v", FLOAT, ROWS)],
    [value("again_next", BOOL, []), value("v_next", FLOAT, ROWS)],
    [constant("one", np.float32([1, 1]))],
)
# Adds one, once or for days.
save(
    "endless",
    [*choice, helper.make_node("Loop", ["count", "true", "x"], ["y"], body=step)],
    [hundred, constant("many", np.int64(2**40)), constant("few", np.int64(1)), constant("true", np.bool_(True))],
)
# Adds the number of ones it fills memory with: one, or 16 GiB.
save(
    "hungry",
    [
        *choice,
        helper.make_node("ConstantOfShape", ["count"], ["ones"], value=constant("value", np.float32([1]))),
        helper.make_node("ReduceSum", ["ones"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ],
    [hundred, constant("many", np.int64([2**32])), constant("few", np.int64([1]))],
)
# Looks rows of a table of four up by the first number, and refuses others.
save(
    "table",
    [
        helper.make_node("Gather", ["x", "zero"], ["first"], axis=1),
        helper.make_node("Cast", ["first"], ["index"], to=INT64),
        helper.make_node("Gather", ["rows_of_table", "index"], ["y"], axis=0),
    ],
    [constant("zero", np.int64(0)), constant("rows_of_table", np.float32([[0, 1], [2, 3], [4, 5], [6, 7]]))],
)
# Adds noise: exported in training mode.
save(
    "noisy",
    [helper.make_node("RandomNormalLike", ["x"], ["noise"]), helper.make_node("Add", ["x", "noise"], ["y"])],
    [],
)
# Subtracts the mean of the batch: exported in training mode.
save(
    "batch-mean",
    [helper.make_node("ReduceMean", ["x", "axes"], ["mean"]), helper.make_node("Sub", ["x", "mean"], ["y"])],
    [constant("axes", np.int64([0]))],
)
# Of a version of the operators that there is not.
save("future", [helper.make_node("Identity", ["x"], ["y"])], [], opset=999)
