import { Writable } from 'node:stream'
import type { Permission } from '../packages/contracts/src/scopes.ts'
import { createApp } from '../packages/server/src/control/app.ts'
import { registerMlflow } from '../packages/server/src/control/mlflow.ts'
import { controlRoutes } from '../packages/server/src/control/routes.ts'
import { grpcRoutes } from '../packages/server/src/gateway/grpc/routes.ts'
import { gatewayRoutes } from '../packages/server/src/gateway/routes.ts'
import { createLogger } from '../packages/server/src/logging.ts'
import { mountArtifacts } from '../packages/server/src/mlflow/artifact-mount.ts'
import { predictionRoutes } from '../packages/server/src/predictions/routes.ts'

export type ListedRoute = {
  readonly path: string
  readonly methods: readonly string[]
  readonly permission: Permission
}

/** Stands for all that routes are made with and only their work would use. */
const anything: unknown = new Proxy(() => anything, { get: () => anything, apply: () => anything })

type Listed = Readonly<Record<'gateway' | 'grpc' | 'control', ListedRoute[]>>

/** Every route of gateways, over HTTP and gRPC, and of control, pages among them, as they are declared. */
export async function listRoutes(): Promise<Listed> {
  const byPath = new Map<string, ListedRoute>()
  const app = createApp({
    mounts: [
      (app) => registerMlflow(app, anything as never, anything as never),
      (app) => mountArtifacts(app, anything as never, anything as never),
    ],
    routes: [...controlRoutes(anything as never), ...predictionRoutes(anything as never)],
    logger: createLogger({ role: 'control', level: 'error', version: '', destination: new Writable() }),
    access: { boundToLoopback: true, loginRequired: true, allowedHosts: [] },
    recognise: async () => undefined,
    onRoute(route) {
      const key = `${route.path} ${route.permission}`
      const methods = [...(byPath.get(key)?.methods ?? []), ...route.methods]
      byPath.set(key, { ...route, path: route.path.replaceAll(/:(\w+)/g, '{$1}'), methods })
    },
  })
  await app.ready()
  await app.close()
  return {
    gateway: gatewayRoutes(anything as never),
    grpc: grpcRoutes(anything as never),
    control: [...byPath.values()],
  }
}
