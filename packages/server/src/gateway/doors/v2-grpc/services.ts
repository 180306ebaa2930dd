import { rpc, service } from '../../protobuf/service.ts'
import {
  LogSettings,
  ModelConfigResponse,
  ModelInferRequest,
  ModelInferResponse,
  ModelMetadataResponse,
  ModelReadyResponse,
  ModelRequest,
  ModelStatisticsResponse,
  ModelStreamInferResponse,
  Nothing,
  RepositoryIndexRequest,
  RepositoryIndexResponse,
  RepositoryModelLoadResponse,
  RepositoryModelRequest,
  RepositoryModelUnloadResponse,
  ServerLiveResponse,
  ServerMetadataResponse,
  ServerReadyResponse,
  SharedMemoryStatusResponse,
  TraceSettings,
} from './messages.ts'

const REPOSITORY = {
  RepositoryIndex: rpc(RepositoryIndexRequest, RepositoryIndexResponse),
  RepositoryModelLoad: rpc(RepositoryModelRequest, RepositoryModelLoadResponse),
  RepositoryModelUnload: rpc(RepositoryModelRequest, RepositoryModelUnloadResponse),
}

/** The service of the protocol, with Triton's and KServe's extensions. */
export const INFERENCE = service('inference.GRPCInferenceService', {
  ServerLive: rpc(Nothing, ServerLiveResponse),
  ServerReady: rpc(Nothing, ServerReadyResponse),
  ModelReady: rpc(ModelRequest, ModelReadyResponse),
  ServerMetadata: rpc(Nothing, ServerMetadataResponse),
  ModelMetadata: rpc(ModelRequest, ModelMetadataResponse),
  ModelInfer: rpc(ModelInferRequest, ModelInferResponse),
  ModelStreamInfer: rpc(ModelInferRequest, ModelStreamInferResponse, 'both'),
  ModelConfig: rpc(ModelRequest, ModelConfigResponse),
  ModelStatistics: rpc(ModelRequest, ModelStatisticsResponse),
  ...REPOSITORY,
  SystemSharedMemoryStatus: rpc(Nothing, SharedMemoryStatusResponse),
  SystemSharedMemoryRegister: rpc(Nothing, Nothing),
  SystemSharedMemoryUnregister: rpc(Nothing, Nothing),
  CudaSharedMemoryStatus: rpc(Nothing, SharedMemoryStatusResponse),
  CudaSharedMemoryRegister: rpc(Nothing, Nothing),
  CudaSharedMemoryUnregister: rpc(Nothing, Nothing),
  TraceSetting: rpc(TraceSettings, TraceSettings),
  LogSettings: rpc(LogSettings, LogSettings),
})

/** MLServer's own service for its repository. */
export const MODEL_REPOSITORY = service('inference.model_repository.ModelRepositoryService', REPOSITORY)
