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

/** Messages of the Open Inference Protocol, with those of Triton's extensions that are answered. */

export const Nothing = message('Nothing', {})

export const ServerLiveResponse = message('ServerLiveResponse', { live: field(1, bool) })
export const ServerReadyResponse = message('ServerReadyResponse', { ready: field(1, bool) })
export const ServerMetadataResponse = message('ServerMetadataResponse', {
  name: field(1, string),
  version: field(2, string),
  extensions: repeated(3, string),
})

/** Asked about: the model, at the version, or at the one served. */
export const ModelRequest = message('ModelRequest', { name: field(1, string), version: field(2, string) })
export const ModelReadyResponse = message('ModelReadyResponse', { ready: field(1, bool) })
const TensorMetadata = message('TensorMetadata', {
  name: field(1, string),
  datatype: field(2, string),
  shape: repeated(3, int64),
})
/** Field 6 is left out: it is text by the protocol and a parameter to MLServer's client. */
export const ModelMetadataResponse = message('ModelMetadataResponse', {
  name: field(1, string),
  versions: repeated(2, string),
  platform: field(3, string),
  inputs: repeated(4, TensorMetadata),
  outputs: repeated(5, TensorMetadata),
})

export const InferParameter = message('InferParameter', {
  bool_param: optional(1, bool),
  int64_param: optional(2, int64),
  string_param: optional(3, string),
  double_param: optional(4, double),
  uint64_param: optional(5, uint64),
})
export const InferTensorContents = message('InferTensorContents', {
  bool_contents: repeated(1, bool),
  int_contents: repeated(2, int32),
  int64_contents: repeated(3, int64),
  uint_contents: repeated(4, uint32),
  uint64_contents: repeated(5, uint64),
  fp32_contents: repeated(6, float),
  fp64_contents: repeated(7, double),
  bytes_contents: repeated(8, text),
})
const InferTensor = message('InferTensor', {
  name: field(1, string),
  datatype: field(2, string),
  shape: repeated(3, int64),
  parameters: map(4, InferParameter),
  contents: optional(5, InferTensorContents),
})
const InferRequestedOutput = message('InferRequestedOutput', {
  name: field(1, string),
  parameters: map(2, InferParameter),
})
export const ModelInferRequest = message('ModelInferRequest', {
  model_name: field(1, string),
  model_version: field(2, string),
  id: field(3, string),
  parameters: map(4, InferParameter),
  inputs: repeated(5, InferTensor),
  outputs: repeated(6, InferRequestedOutput),
  raw_input_contents: repeated(7, bytes),
})
export const ModelInferResponse = message('ModelInferResponse', {
  model_name: field(1, string),
  model_version: field(2, string),
  id: field(3, string),
  parameters: map(4, InferParameter),
  outputs: repeated(5, InferTensor),
  raw_output_contents: repeated(6, bytes),
})
export const ModelStreamInferResponse = message('ModelStreamInferResponse', {
  error_message: field(1, string),
  infer_response: optional(2, ModelInferResponse),
})

/** Triton's numbers of the datatypes; BYTES is a string there. */
export const DataType = enumeration('DataType', {
  TYPE_INVALID: 0,
  TYPE_BOOL: 1,
  TYPE_UINT8: 2,
  TYPE_UINT16: 3,
  TYPE_UINT32: 4,
  TYPE_UINT64: 5,
  TYPE_INT8: 6,
  TYPE_INT16: 7,
  TYPE_INT32: 8,
  TYPE_INT64: 9,
  TYPE_FP16: 10,
  TYPE_FP32: 11,
  TYPE_FP64: 12,
  TYPE_STRING: 13,
  TYPE_BF16: 14,
})
const ModelInput = message('ModelInput', {
  name: field(1, string),
  data_type: field(2, DataType),
  dims: repeated(4, int64),
})
const ModelOutput = message('ModelOutput', {
  name: field(1, string),
  data_type: field(2, DataType),
  dims: repeated(3, int64),
})
const ModelConfig = message('ModelConfig', {
  name: field(1, string),
  platform: field(2, string),
  max_batch_size: field(4, int32),
  input: repeated(5, ModelInput),
  output: repeated(6, ModelOutput),
  backend: field(17, string),
})
export const ModelConfigResponse = message('ModelConfigResponse', { config: optional(1, ModelConfig) })

const StatisticDuration = message('StatisticDuration', { count: field(1, uint64), ns: field(2, uint64) })
const InferStatistics = message('InferStatistics', {
  success: optional(1, StatisticDuration),
  fail: optional(2, StatisticDuration),
  queue: optional(3, StatisticDuration),
  compute_input: optional(4, StatisticDuration),
  compute_infer: optional(5, StatisticDuration),
  compute_output: optional(6, StatisticDuration),
  cache_hit: optional(7, StatisticDuration),
  cache_miss: optional(8, StatisticDuration),
})
const ModelStatistics = message('ModelStatistics', {
  name: field(1, string),
  version: field(2, string),
  last_inference: field(3, uint64),
  inference_count: field(4, uint64),
  execution_count: field(5, uint64),
  inference_stats: optional(6, InferStatistics),
})
export const ModelStatisticsResponse = message('ModelStatisticsResponse', {
  model_stats: repeated(1, ModelStatistics),
})

export const RepositoryIndexRequest = message('RepositoryIndexRequest', {
  repository_name: field(1, string),
  ready: field(2, bool),
})
const ModelIndex = message('ModelIndex', {
  name: field(1, string),
  version: field(2, string),
  state: field(3, string),
  reason: field(4, string),
})
export const RepositoryIndexResponse = message('RepositoryIndexResponse', { models: repeated(1, ModelIndex) })
/** Triton writes the model's name in field 2, after its repository's; KServe and MLServer's own service in field 1. */
export const RepositoryModelRequest = message('RepositoryModelRequest', {
  repository_name: field(1, string),
  model_name: field(2, string),
  /** Of Triton; what they are called is all that is read. */
  parameters: map(3, Nothing),
})
/** Empty for Triton; KServe reads both fields. */
export const RepositoryModelLoadResponse = message('RepositoryModelLoadResponse', {
  model_name: field(1, string),
  isLoaded: field(2, bool),
})
export const RepositoryModelUnloadResponse = message('RepositoryModelUnloadResponse', {
  model_name: field(1, string),
  isUnloaded: field(2, bool),
})

/** Regions by name; there are none. */
export const SharedMemoryStatusResponse = message('SharedMemoryStatusResponse', { regions: map(1, Nothing) })

const TextSetting = message('TextSetting', { value: repeated(1, string) })
export const TraceSettings = message('TraceSettings', { settings: map(1, TextSetting) })
const LogSetting = message('LogSetting', {
  bool_param: optional(1, bool),
  uint32_param: optional(2, uint32),
  string_param: optional(3, string),
})
export const LogSettings = message('LogSettings', { settings: map(1, LogSetting) })
