/**
 * Messages of ONNX files (onnx.proto3, https://github.com/onnx/onnx), as far as they are read: field number and kind.
 * `int`: a varint, alone or packed; `text`, `bytes`; anything else is a message. Weights and documentation are not read.
 */
export const SCHEMA = {
  model: {
    irVersion: [1, 'int'],
    producer: [2, 'text'],
    producerVersion: [3, 'text'],
    graph: [7, 'graph'],
    opsets: [8, 'opset'],
    metadata: [14, 'entry'],
    training: [20, 'training'],
    functions: [25, 'function'],
  },
  opset: { domain: [1, 'text'], version: [2, 'int'] },
  entry: { key: [1, 'text'], value: [2, 'text'] },
  training: { initialization: [1, 'graph'], algorithm: [2, 'graph'] },
  function: {
    name: [1, 'text'],
    nodes: [7, 'node'],
    domain: [10, 'text'],
    attributes: [11, 'attribute'],
  },
  graph: {
    nodes: [1, 'node'],
    initializers: [5, 'tensor'],
    inputs: [11, 'value'],
    outputs: [12, 'value'],
    sparseInitializers: [15, 'sparseTensor'],
  },
  node: {
    inputs: [1, 'text'],
    outputs: [2, 'text'],
    operator: [4, 'text'],
    attributes: [5, 'attribute'],
    domain: [7, 'text'],
  },
  attribute: {
    name: [1, 'text'],
    tensor: [5, 'tensor'],
    graph: [6, 'graph'],
    ints: [8, 'int'],
    strings: [9, 'text'],
    tensors: [10, 'tensor'],
    graphs: [11, 'graph'],
    sparseTensor: [22, 'sparseTensor'],
    sparseTensors: [23, 'sparseTensor'],
  },
  tensor: {
    dims: [1, 'int'],
    element: [2, 'int'],
    int32s: [5, 'int'],
    strings: [6, 'text'],
    int64s: [7, 'int'],
    name: [8, 'text'],
    raw: [9, 'bytes'],
    externalData: [13, 'entry'],
    location: [14, 'int'],
  },
  sparseTensor: { values: [1, 'tensor'], indices: [2, 'tensor'] },
  value: { name: [1, 'text'], type: [2, 'type'] },
  type: {
    tensor: [1, 'tensorType'],
    sequence: [4, 'sequenceType'],
    map: [5, 'mapType'],
    opaque: [7, 'empty'],
    sparse: [8, 'empty'],
    optional: [9, 'empty'],
  },
  tensorType: { element: [1, 'int'], shape: [2, 'shape'] },
  sequenceType: { of: [1, 'type'] },
  mapType: { key: [1, 'int'], value: [2, 'type'] },
  shape: { dims: [1, 'dimension'] },
  dimension: { value: [1, 'int'], name: [2, 'text'] },
  empty: {},
} as const

export type Schema = typeof SCHEMA
