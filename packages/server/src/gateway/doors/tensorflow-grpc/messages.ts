import {
  bool,
  bytes,
  double,
  enumeration,
  field,
  float,
  int32,
  int64,
  map,
  message,
  optional,
  repeated,
  string,
  text,
  uint32,
  uint64,
} from '../../protobuf/message.ts'
import { rpc, service } from '../../protobuf/service.ts'

/** Messages of TensorFlow Serving, as far as they are answered. */

const VersionNumber = message('Int64Value', { value: field(1, int64) })
const ModelSpec = message('ModelSpec', {
  name: field(1, string),
  version: optional(2, VersionNumber),
  signature_name: field(3, string),
  version_label: optional(4, string),
})

export const DataType = enumeration('DataType', {
  DT_INVALID: 0,
  DT_FLOAT: 1,
  DT_DOUBLE: 2,
  DT_INT32: 3,
  DT_UINT8: 4,
  DT_INT16: 5,
  DT_INT8: 6,
  DT_STRING: 7,
  DT_INT64: 9,
  DT_BOOL: 10,
  DT_BFLOAT16: 14,
  DT_UINT16: 17,
  DT_HALF: 19,
  DT_UINT32: 22,
  DT_UINT64: 23,
})
const Dim = message('Dim', { size: field(1, int64), name: field(2, string) })
const TensorShape = message('TensorShapeProto', { dim: repeated(2, Dim), unknown_rank: field(3, bool) })
export const TensorProto = message('TensorProto', {
  dtype: field(1, DataType),
  tensor_shape: optional(2, TensorShape),
  tensor_content: field(4, bytes),
  float_val: repeated(5, float),
  double_val: repeated(6, double),
  int_val: repeated(7, int32),
  string_val: repeated(8, text),
  int64_val: repeated(10, int64),
  bool_val: repeated(11, bool),
  half_val: repeated(13, int32),
  uint32_val: repeated(16, uint32),
  uint64_val: repeated(17, uint64),
})

export const PredictRequest = message('PredictRequest', {
  model_spec: optional(1, ModelSpec),
  inputs: map(2, TensorProto),
  output_filter: repeated(3, string),
})
export const PredictResponse = message('PredictResponse', {
  outputs: map(1, TensorProto),
  model_spec: optional(2, ModelSpec),
})

const TensorInfo = message('TensorInfo', {
  name: field(1, string),
  dtype: field(2, DataType),
  tensor_shape: optional(3, TensorShape),
})
const SignatureDef = message('SignatureDef', {
  inputs: map(1, TensorInfo),
  outputs: map(2, TensorInfo),
  method_name: field(3, string),
})
export const SignatureDefMap = message('SignatureDefMap', { signature_def: map(1, SignatureDef) })
const Any = message('Any', { type_url: field(1, string), value: field(2, bytes) })
const GetModelMetadataRequest = message('GetModelMetadataRequest', {
  model_spec: optional(1, ModelSpec),
  metadata_field: repeated(2, string),
})
const GetModelMetadataResponse = message('GetModelMetadataResponse', {
  model_spec: optional(1, ModelSpec),
  metadata: map(2, Any),
})

/** What the rpcs that are refused have in common. */
const SpecifiedRequest = message('SpecifiedRequest', { model_spec: optional(1, ModelSpec) })
const Refused = message('Refused', {})

const StatusProto = message('StatusProto', { error_code: field(1, int32), error_message: field(2, string) })
export const ModelState = enumeration('State', {
  UNKNOWN: 0,
  START: 10,
  LOADING: 20,
  AVAILABLE: 30,
  UNLOADING: 40,
  END: 50,
})
const ModelVersionStatus = message('ModelVersionStatus', {
  version: field(1, int64),
  state: field(2, ModelState),
  status: optional(3, StatusProto),
})
const GetModelStatusResponse = message('GetModelStatusResponse', {
  model_version_status: repeated(1, ModelVersionStatus),
})

export const PREDICTION = service('tensorflow.serving.PredictionService', {
  Predict: rpc(PredictRequest, PredictResponse),
  GetModelMetadata: rpc(GetModelMetadataRequest, GetModelMetadataResponse),
  Classify: rpc(SpecifiedRequest, Refused),
  Regress: rpc(SpecifiedRequest, Refused),
  MultiInference: rpc(Refused, Refused),
})

export const MODEL = service('tensorflow.serving.ModelService', {
  GetModelStatus: rpc(SpecifiedRequest, GetModelStatusResponse),
  HandleReloadConfigRequest: rpc(Refused, Refused),
})
