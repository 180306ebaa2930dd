import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RestartCount } from '../supervisor/messages.ts'
import type { AppDeps } from './app.ts'

/** Control's own metrics. Gateways add theirs; `GET /metrics` is the sum. */
export function createControlMetrics(
  epoch: () => number,
  restarts: () => readonly RestartCount[] = () => [],
): {
  registry: Registry
  onAnswer: NonNullable<AppDeps['onAnswer']>
} {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'millwright_control_requests_total',
    help: 'Requests answered by the control process',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const seconds = new Histogram({
    name: 'millwright_control_request_seconds',
    help: 'Time control took to answer',
    labelNames: ['method', 'route'],
    buckets: [0.002, 0.01, 0.05, 0.2, 1, 5],
    registers,
  })
  new Gauge({
    name: 'millwright_control_epoch',
    help: 'Epoch of the routing snapshot on disk',
    aggregator: 'max',
    registers,
    collect() {
      this.set(epoch())
    },
  })
  new Counter({
    name: 'millwright_process_restarts_total',
    help: 'Processes that the supervisor started again: they ended, or were ended as they stood still',
    labelNames: ['process', 'reason'],
    registers,
    collect() {
      this.reset()
      for (const { process, reason, count } of restarts()) this.inc({ process, reason }, count)
    },
  })
  return {
    registry,
    onAnswer({ method, route, status, seconds: took }) {
      requests.inc({ method, route, status: String(status) })
      seconds.observe({ method, route }, took)
    },
  }
}
