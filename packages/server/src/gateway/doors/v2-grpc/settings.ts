import { MillwrightError } from '@millwright/contracts/errors'
import { type GrpcRoute, readRoute } from '../../grpc/route.ts'
import type { RouteDeps } from '../../routes.ts'
import { INFERENCE } from './services.ts'

/** Triton's settings of what is off here: they can be read and not be changed, and there is no shared memory. */
export const settingRoutes = (deps: RouteDeps): GrpcRoute[] => [
  readRoute(deps, INFERENCE.TraceSetting, 'admin', ({ settings }) => {
    assertNone(settings, 'changing trace settings')
    return { settings: TRACE }
  }),
  readRoute(deps, INFERENCE.LogSettings, 'admin', ({ settings }) => {
    assertNone(settings, 'changing log settings')
    return { settings: LOG }
  }),
  ...[INFERENCE.SystemSharedMemoryStatus, INFERENCE.CudaSharedMemoryStatus].map((rpc) =>
    readRoute(deps, rpc, 'read', () => ({})),
  ),
  ...[INFERENCE.SystemSharedMemoryUnregister, INFERENCE.CudaSharedMemoryUnregister].map((rpc) =>
    readRoute(deps, rpc, 'admin', () => ({})),
  ),
  ...[INFERENCE.SystemSharedMemoryRegister, INFERENCE.CudaSharedMemoryRegister].map((rpc) =>
    readRoute(deps, rpc, 'admin', () => {
      throw new MillwrightError('NOT_SUPPORTED', {
        what: 'shared memory',
        instead: 'send tensors as raw_input_contents',
      })
    }),
  ),
]

const TRACE = new Map([['trace_level', { value: ['OFF'] }]])
const LOG = new Map([['log_verbose_level', { uint32_param: 0 }]])

function assertNone(settings: ReadonlyMap<string, unknown>, what: string): void {
  if (settings.size > 0)
    throw new MillwrightError('NOT_SUPPORTED', { what, instead: 'start the server with other settings' })
}
