import type { RoutedDeployment } from '../routing/snapshot.ts'
import type { GatewayMetrics } from './metrics.ts'
import { digestsOf } from './release.ts'
import type { LoadedProgram } from './served.ts'

/** Programs kept warm per deployment, those it serves included. */
const KEPT_PROGRAMS = 3

export type ProgramCacheDeps = {
  readonly load: (digest: string) => Promise<LoadedProgram>
  readonly metrics: GatewayMetrics
}

/** Loaded programs by digest. Those a deployment served lately stay warm, so that rolling back loads nothing. */
export function createProgramCache({ load, metrics }: ProgramCacheDeps) {
  const loaded = new Map<string, LoadedProgram>()
  const loading = new Map<string, Promise<void>>()
  const failures = new Map<string, Error>()
  const recent = new Map<string, string[]>()

  const loadOne = (digest: string): Promise<void> => {
    const startedAt = performance.now()
    return load(digest)
      .then(
        (program) => {
          metrics.loads.observe((performance.now() - startedAt) / 1000)
          loaded.set(digest, program)
          failures.delete(digest)
        },
        (error: Error) => void failures.set(digest, error),
      )
      .finally(() => loading.delete(digest))
  }
  const drop = (digest: string): void => {
    const engine = loaded.get(digest)?.engine
    loaded.delete(digest)
    if (engine?.kind === 'hosted') engine.host.close().catch(() => {})
    else engine?.pooled?.close()
  }
  return {
    /** @throws Error why it could not be loaded */
    get(digest: string): LoadedProgram {
      const program = loaded.get(digest)
      if (program === undefined) throw failures.get(digest) ?? new Error(`program ${digest} is not loaded`)
      return program
    },
    missing: (deployments: readonly RoutedDeployment[]): string[] => [
      ...new Set(deployments.flatMap(digestsOf).filter((digest) => !loaded.has(digest))),
    ],
    /** One after the other; never rejects: `get` tells what went wrong. */
    async load(digests: readonly string[]): Promise<void> {
      for (const digest of digests) {
        if (loaded.has(digest)) continue
        const underWay = loading.get(digest) ?? loadOne(digest)
        loading.set(digest, underWay)
        await underWay
      }
    },
    /** Drops what none of these deployments served lately. */
    keep(deployments: readonly RoutedDeployment[]): void {
      const names = new Set(deployments.flatMap(({ name, unloaded }) => (unloaded ? [] : [name])))
      for (const name of recent.keys()) if (!names.has(name)) recent.delete(name)
      for (const deployment of deployments) {
        const served = [...new Set(digestsOf(deployment))]
        const before = (recent.get(deployment.name) ?? []).filter((digest) => !served.includes(digest))
        const spare = Math.max(0, KEPT_PROGRAMS - served.length)
        recent.set(deployment.name, [...served, ...before.slice(0, spare)])
      }
      const kept = new Set([...recent.values()].flat())
      for (const digest of loaded.keys()) if (!kept.has(digest)) drop(digest)
    },
    close(): void {
      for (const digest of loaded.keys()) drop(digest)
      for (const underWay of loading.values()) void underWay.then(() => this.close())
    },
  }
}
