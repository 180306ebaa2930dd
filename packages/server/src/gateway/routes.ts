import type { MetricJson } from '../metrics/families.ts'
import type { DoorDeps } from './door.ts'
import { invocationRoutes } from './doors/invocations/routes.ts'
import { nativeRoutes } from './doors/native.ts'
import { plainRoutes } from './doors/plain.ts'
import { torchServeRoutes } from './doors/torchserve/routes.ts'
import { v1Routes } from './doors/v1/routes.ts'
import { v2Routes } from './doors/v2/routes.ts'
import { writeExposition } from './exposition.ts'
import type { Guard } from './guard.ts'
import { describeHealth, describeReadiness, type HealthState, LIVE } from './health.ts'
import { jobRoutes } from './jobs/routes.ts'
import { precomputedRoutes } from './precomputed/routes.ts'
import type { ControlProxy } from './proxy.ts'
import { type Relay, relayRoutes } from './relay.ts'
import type { Reply } from './replies.ts'
import type { GatewayRoute } from './route.ts'

export type RouteDeps = DoorDeps & {
  readonly guard: Guard
  readonly proxy: ControlProxy
  readonly relay: Relay
  readonly health: () => HealthState
  /** What GET /metrics tells. */
  readonly scrape: () => Promise<readonly MetricJson[]>
}

/** All that a gateway answers itself; everything else is control's. A dialect is one line here and one file in `doors/`. */
export const gatewayRoutes = (deps: RouteDeps): GatewayRoute[] => [
  ...plainRoutes(deps),
  ...nativeRoutes(deps),
  ...v1Routes(deps),
  ...v2Routes(deps),
  ...invocationRoutes(deps),
  ...torchServeRoutes(deps),
  ...jobRoutes(deps),
  ...precomputedRoutes(deps),
  ...relayRoutes(deps),
  healthRoute(deps, '/health', () => describeHealth(deps.health())),
  healthRoute(deps, '/health/live', () => LIVE),
  healthRoute(deps, '/health/ready', () => describeReadiness(deps.health())),
  metricsRoute(deps),
]

const READS = ['GET', 'HEAD']

const healthRoute = ({ replies }: RouteDeps, path: string, describe: () => Reply): GatewayRoute => ({
  path,
  methods: READS,
  door: 'health',
  permission: 'public',
  answer: (exchange) => replies.send('health', exchange, describe()),
})

const metricsRoute = ({ replies, scrape }: RouteDeps): GatewayRoute => ({
  path: '/metrics',
  methods: READS,
  door: 'metrics',
  permission: 'read',
  answer: (exchange) =>
    void scrape()
      .then((families) => writeExposition(families, exchange.header('accept')))
      .then(
        (reply) => replies.send('metrics', exchange, reply),
        (error: unknown) => replies.sendError('metrics', exchange, error),
      ),
})
