import type { RoutedDeployment, RoutedVersion } from '../routing/snapshot.ts'
import type { Caching } from './cache/caching.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { KeyedAnswersStore } from './precomputed/answers.ts'
import { createReady } from './precomputed/ready.ts'
import { asVariant, buildServed, type LoadedProgram, type Served, type Shadow } from './served.ts'
import { type Split, UNIT_HEADER } from './split.ts'

/** What a deployment has beside its stable version. */
export type Release = {
  readonly split: Split | undefined
  /** By version of the API: `v1`. */
  readonly pins: ReadonlyMap<string, Served>
  /** Every version it can answer with, by number and by label. */
  readonly versions: ReadonlyMap<string, Served>
}

export type BuildDeps = {
  /** @throws Error why it is not there */
  readonly programOf: (digest: string) => LoadedProgram
  readonly metrics: GatewayMetrics
  readonly caching: Caching
  readonly keyedAnswers: KeyedAnswersStore
}

/** Programs that a deployment needs, the stable one first. */
export const digestsOf = ({ version, rollout, pins = {}, unloaded }: RoutedDeployment): string[] =>
  unloaded
    ? []
    : [version, ...(rollout ? [rollout.version] : []), ...Object.values(pins)].map(({ program }) => program)

/** A deployment's stable version, with all it has beside it. @throws Error, RangeError */
export function buildDeployment(routed: RoutedDeployment, deps: BuildDeps): Served {
  const { programOf, metrics, caching, keyedAnswers } = deps
  const { rollout, pins = {} } = routed
  const build = (version: RoutedVersion): Served => {
    const own = { ...routed, version }
    const answers = keyedAnswers.of(own)
    return {
      ...buildServed(own, caching(own, programOf(version.program)), metrics),
      ready: answers && createReady(own, answers, metrics.ofPrecomputed(routed.name)),
    }
  }
  const alone = build(routed.version)
  if (rollout === undefined && Object.keys(pins).length === 0) return alone
  const candidate = rollout && build(rollout.version)
  const stable: Served = {
    ...asVariant(alone, 'stable'),
    shadow: candidate && shadowOf(candidate, routed, deps),
  }
  const pinned = Object.entries(pins).map(
    ([pin, version]) => [pin, asVariant(build(version), 'pinned')] as const,
  )
  // The stable one last: where it is pinned, too, it is the stable one.
  const all = [
    ...pinned.map(([, served]) => served),
    ...(candidate ? [asVariant(candidate, 'pinned')] : []),
    stable,
  ]
  const release: Release = {
    split: candidate && splitOf(routed, { stable, candidate }, metrics),
    pins: new Map(pinned),
    versions: new Map([
      ...all.map((served) => [served.routed.version.label, served] as const),
      ...all.map((served) => [String(served.routed.version.number), served] as const),
    ]),
  }
  return { ...stable, release }
}

function splitOf(
  { name, rollout, unit }: RoutedDeployment,
  { stable, candidate }: { stable: Served; candidate: Served },
  metrics: GatewayMetrics,
): Split {
  const { salt, weight } = rollout!
  return {
    salt,
    weight,
    header: unit?.header?.toLowerCase() ?? UNIT_HEADER,
    column: unit?.column,
    stable: { ...asVariant(stable, 'stable', 100 - weight), shadow: stable.shadow },
    candidate: asVariant(candidate, 'candidate', weight),
    unassigned: stable,
    overrides: {
      stable: asVariant({ ...stable, shadow: undefined }, 'override'),
      candidate: asVariant(candidate, 'override'),
    },
    requests: metrics.ofSplit(name),
  }
}

/** What a shadow computes at once; a request that comes meanwhile waits no longer, unless one row takes longer. */
const SHADOW_MICROSECONDS = 500

function shadowOf(
  candidate: Served,
  { name, rollout }: RoutedDeployment,
  { programOf, metrics }: BuildDeps,
): Shadow | undefined {
  const { shadow: percent, version } = rollout!
  if (percent === 0) return undefined
  // It is watched computing: what the cache has says nothing of it.
  const { rowMicroseconds, engine } = programOf(version.program)
  const blockRows = Math.floor(SHADOW_MICROSECONDS / rowMicroseconds)
  return {
    percent,
    rows: metrics.ofShadow(name),
    served: {
      ...asVariant(candidate, 'shadow', percent),
      ...UNSEEN,
      engine,
      blockRows: Math.max(1, Math.min(candidate.blockRows, blockRows)),
    },
  }
}

const nothing = () => ({ count: 0, sum: 0 })
/** Takes observations and keeps none. */
const UNOBSERVED = { observe() {}, total: nothing }

/** Metrics of answers know nothing of what nobody was answered. */
const UNSEEN: Pick<Served, 'metrics' | 'versionMetrics'> = {
  versionMetrics: { latency: UNOBSERVED, score: UNOBSERVED, outcome: () => ({ value: 0 }) },
  metrics: {
    ...{ rows: { value: 0 }, predicted: { value: 0 }, badRows: { value: 0 }, engineSeconds: { value: 0 } },
    ...{ queueSeconds: UNOBSERVED, requests: { of: () => UNOBSERVED, total: nothing } },
    lastPredicted: { ms: 0 },
  },
}
