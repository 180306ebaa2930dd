import { MillwrightError } from '@millwright/contracts/errors'
import { type GrpcRoute, readRoute } from '../grpc/route.ts'
import { enumeration, field, message, string } from '../protobuf/message.ts'
import { rpc, service } from '../protobuf/service.ts'
import type { RouteDeps } from '../routes.ts'

const ServingStatus = enumeration('ServingStatus', {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  SERVICE_UNKNOWN: 3,
})
const HealthCheckRequest = message('HealthCheckRequest', { service: field(1, string) })
const HealthCheckResponse = message('HealthCheckResponse', { status: field(1, ServingStatus) })

export const HEALTH = service('grpc.health.v1.Health', {
  Check: rpc(HealthCheckRequest, HealthCheckResponse),
  Watch: rpc(HealthCheckRequest, HealthCheckResponse, 'answers'),
})

/** Services whose health is the server's. */
const SERVICES = new Set(['', 'inference.GRPCInferenceService', 'tensorflow.serving.PredictionService'])

/** The standard health service: of the server, of a service, or of a deployment by its name. */
export function grpcHealthRoutes(deps: RouteDeps): GrpcRoute[] {
  const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ServingStatus.values
  const statusOf = (service: string): number => {
    const { isReady, isDraining, table } = deps.health()
    if (!SERVICES.has(service) && !table.byName.has(service)) return SERVICE_UNKNOWN!
    return isReady && !isDraining ? SERVING! : NOT_SERVING!
  }
  const watch = HEALTH.Watch
  return [
    readRoute(deps, HEALTH.Check, 'public', ({ service }) => {
      const status = statusOf(service)
      if (status === SERVICE_UNKNOWN)
        throw new MillwrightError('DEPLOYMENT_NOT_FOUND', { name: service.slice(0, 128) })
      return { status }
    }),
    {
      // Asked again and again, so neither counted nor logged as a request.
      ...{ path: watch.path, methods: ['POST'], door: 'grpc', permission: 'public', streams: 'answers' },
      answer: (exchange) =>
        exchange.readBody(deps.maxBodyBytes, (_error, bytes) => {
          const { service } = readService(bytes)
          const body = HealthCheckResponse.encode({ status: statusOf(service) })
          exchange.respond({ status: 200, type: '', body }, false)
        }),
    },
  ]
}

/** What cannot be read asks for a service nobody knows. */
function readService(bytes: Buffer): { readonly service: string } {
  try {
    return HealthCheckRequest.decode(bytes)
  } catch {
    return { service: '?' }
  }
}
