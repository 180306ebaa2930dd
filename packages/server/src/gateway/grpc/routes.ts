import { grpcHealthRoutes } from '../doors/grpc-health.ts'
import { tensorflowGrpcRoutes } from '../doors/tensorflow-grpc/routes.ts'
import { v2GrpcRoutes } from '../doors/v2-grpc/routes.ts'
import type { RouteDeps } from '../routes.ts'
import type { GrpcRoute } from './route.ts'

/** Every rpc that is answered; others are UNIMPLEMENTED. A dialect is one line here and one folder in `doors/`. */
export const grpcRoutes = (deps: RouteDeps): GrpcRoute[] => [
  ...v2GrpcRoutes(deps),
  ...tensorflowGrpcRoutes(deps),
  ...grpcHealthRoutes(deps),
]
