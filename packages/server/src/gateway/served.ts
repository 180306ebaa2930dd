import type { ModelSchema, Respond } from '@millwright/contracts'
import type { Executable, Method, Program } from '@millwright/engine'
import type { Manners } from '@millwright/inference/convert'
import { compileDecision, type DecisionRule } from '@millwright/inference/decision'
import { createRowReader, type RowReader, type Slab } from '@millwright/inference/validate'
import type { BatchedHost } from '@millwright/runtime/batching'
import type { PooledModel } from '@millwright/runtime/pool'
import { compileRespond, type RespondTemplate } from '../inference/respond.ts'
import type { RoutedDeployment } from '../routing/snapshot.ts'
import { encodeShape } from '../segments/block.ts'
import { encodeSource } from '../segments/record.ts'
import type { Cost, Lane } from './admission.ts'
import type { GatewayMetrics, ServedMetrics, ShadowMetrics, VersionMetrics } from './metrics.ts'
import type { Ready } from './precomputed/ready.ts'
import type { Release } from './release.ts'

/**
 * Where a program runs: compiled, on the spot, and what takes long by the threads of a pool; or by a host, in a process of
 * its own.
 */
export type Engine =
  | { readonly kind: 'inline'; readonly executable: Executable; readonly pooled?: PooledModel }
  | { readonly kind: 'hosted'; readonly host: BatchedHost; readonly lane: Lane }

/** A loaded version, warm. Shared by all deployments that serve it. */
export type LoadedProgram = {
  readonly digest: string
  readonly program: Program
  readonly engine: Engine
  /** What a row alone takes, and one of several. Measured while warming up. */
  readonly rowMicroseconds: number
  readonly batchMicroseconds: number
}

export type ServedRespond = {
  readonly body: RespondTemplate
  readonly health: RespondTemplate | undefined
  readonly error: RespondTemplate | undefined
  readonly lenient: boolean
  readonly missing: string | undefined
}

/** One version as a deployment serves it, with everything worked out that does not depend on the request. */
export type Served = {
  /** `version` is this one, be it the stable one or another. */
  readonly routed: RoutedDeployment
  /** What the deployment has beside its stable version; undefined when it has nothing, and on the others. */
  readonly release: Release | undefined
  /** Is given a copy of some requests. */
  readonly shadow: Shadow | undefined
  /** Tell which of several versions answered. */
  readonly replyHeaders: Readonly<Record<string, string>> | undefined
  /** Answers computed beforehand. */
  readonly ready: Ready | undefined
  readonly engine: Engine
  readonly readers: Readonly<Record<Manners, RowReader>>
  /** Room for one row, used by one request at a time. */
  readonly slab: Slab
  /** Most rows run at once. */
  readonly blockRows: number
  /** Requests of at most as many rows are answered on the spot; −1: none, a host runs the model. */
  readonly nowRows: number
  /** Requests of at least as many rows are answered by threads. */
  readonly threadRows: number
  readonly methods: readonly string[]
  /** Methods run for every request. */
  readonly defaults: readonly Method[]
  /** The one that gives the prediction. */
  readonly labelMethod: Method
  readonly labelIsFloat: boolean
  /** `"class":` per column of predict_proba; undefined when there are no probabilities to name. */
  readonly probabilityKeys: readonly string[] | undefined
  /** What the deployment's decision says. */
  readonly decision: DecisionRule | undefined
  /** The decision, or how one would be scored: for templates, the log and metrics. */
  readonly scored: DecisionRule | undefined
  readonly respond: ServedRespond | undefined
  /** The part of every log record that is the same. */
  readonly recordSource: string
  /** How blocks of rows are spelled, as they say themselves. */
  readonly blockShape: string
  /** `"feature":` per column. */
  readonly featureKeys: readonly string[]
  /** `{"deployment":…,"model":…,"version":{…}` of the native answer. */
  readonly answerHead: string
  /** Outcomes are counted by class when there are few. */
  readonly countsClasses: boolean
  readonly versionMetrics: VersionMetrics
  readonly metrics: ServedMetrics
  readonly usage: Usage
}

/** What requests for one deployment take at the moment. */
type Usage = { inFlight: number; readonly small: Cost; readonly large: Cost }
/** A version that computes for the log alone. */
export type Shadow = { readonly served: Served; readonly percent: number; readonly rows: ShadowMetrics }

/** Longest one request holds the event loop, or a host, in microseconds. */
const TURN_MICROSECONDS = { inline: 5_000, hosted: 250_000 } as const
const BLOCK_ROWS = 256
const COUNTED_CLASSES = 10

/** @throws RangeError when decision, template or schema do not fit the model */
export function buildServed(
  routed: RoutedDeployment,
  { program, engine, rowMicroseconds, batchMicroseconds }: LoadedProgram,
  metrics: GatewayMetrics,
): Served {
  const { version, decision } = routed
  const { schema } = version
  const { inputs, outputs } = program
  const labelMethod = outputs.find((output) => output.name === 'predict') ?? outputs[0]
  if (labelMethod === undefined)
    throw new RangeError('the program has no outputs; deploy the model file again')
  const rule = decision === null ? undefined : compileDecision(decision, schema)
  const scored = rule ?? defaultScore(schema)
  const respond = routed.respond === null ? undefined : compileResponds(routed.respond)
  if (respond?.body.usesDecision && scored === undefined)
    throw new RangeError('respond: the template shows a score, and the model has none; remove $score')
  const versionMetrics = metrics.ofVersion(version.label)
  if (decision?.threshold !== undefined)
    for (const outcome of ['positive', 'negative']) versionMetrics.outcome(outcome)
  const read = (manners: Manners): RowReader => createRowReader(schema, inputs, manners, routed.unit?.column)
  const readers = { strict: read('strict'), lenient: read('lenient'), tensor: read('tensor') }
  const turnRows = Math.floor(TURN_MICROSECONDS[engine.kind] / rowMicroseconds)
  const blockRows = Math.max(1, Math.min(BLOCK_ROWS, turnRows))
  return {
    routed,
    release: undefined,
    shadow: undefined,
    ready: undefined,
    replyHeaders: undefined,
    engine,
    readers,
    slab: readers.strict.createSlab(1),
    blockRows,
    nowRows: engine.kind === 'inline' ? blockRows : -1,
    threadRows: threadRowsOf(engine, blockRows, batchMicroseconds),
    methods: outputs.map((output) => output.name),
    defaults: [
      ...new Set([labelMethod.name, ...probabilityMethod(schema), ...(scored ? [scored.method] : [])]),
    ],
    labelMethod: labelMethod.name,
    labelIsFloat: labelMethod.dtype.startsWith('float'),
    probabilityKeys: probabilityKeys(schema),
    decision: rule,
    scored,
    respond,
    recordSource: recordSourceOf(routed, 'stable', null),
    blockShape: encodeShape({
      features: schema.inputs.map(({ name }, index) => ({ name, isCell: inputs[index]!.kind === 'cell' })),
      labelMethod: labelMethod.name,
      classes: hasProbabilities(schema) ? schema.classes[0]!.map(String) : undefined,
    }),
    featureKeys: schema.inputs.map((column) => `${JSON.stringify(column.name)}:`),
    answerHead: JSON.stringify({
      deployment: routed.name,
      model: routed.model,
      version: { number: version.number, label: version.label },
    }).slice(0, -1),
    countsClasses: (schema.classes[0]?.length ?? Number.POSITIVE_INFINITY) <= COUNTED_CLASSES,
    versionMetrics,
    metrics: metrics.ofServed(routed.name, version.label),
    usage: { inFlight: 0, small: { msPerByte: 0 }, large: { msPerByte: 0 } },
  }
}

/** Those that take longer to compute than a turn; several blocks, or there is nothing to share out. */
function threadRowsOf(engine: Engine, blockRows: number, batchMicroseconds: number): number {
  if (engine.kind === 'hosted' || engine.pooled === undefined) return Number.POSITIVE_INFINITY
  return Math.max(blockRows + 1, Math.ceil(TURN_MICROSECONDS.inline / batchMicroseconds))
}
/** As what a version answers. */
type Variant = 'stable' | 'candidate' | 'override' | 'pinned' | 'shadow'

/** @param weight share of units that the variant has, in percent; null when nobody is assigned to it */
const recordSourceOf = (
  { name, model, version: { number, label, digest } }: RoutedDeployment,
  variant: Variant,
  weight: number | null,
): string =>
  encodeSource({ deployment: name, model, version: number, versionLabel: label, digest, variant, weight })

/** The same version under another name in the log and the answer. */
export const asVariant = (served: Served, variant: Variant, weight: number | null = null): Served => ({
  ...served,
  recordSource: recordSourceOf(served.routed, variant, weight),
  replyHeaders: {
    'x-millwright-version': String(served.routed.version.number),
    'x-millwright-variant': variant,
  },
})

function compileResponds(respond: Respond): ServedRespond {
  const compile = (template: Record<string, unknown> | undefined) =>
    template === undefined ? undefined : compileRespond(template, respond.style)
  return {
    body: compileRespond(respond.body, respond.style),
    health: compile(respond.health),
    error: compile(respond.error),
    lenient: respond.lenient ?? false,
    missing: respond.missing,
  }
}

/** A score without a decision, where the model has an obvious one. */
function defaultScore(schema: ModelSchema): DecisionRule | undefined {
  try {
    return compileDecision({}, schema)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const hasProbabilities = (schema: ModelSchema): boolean =>
  schema.classes.length === 1 && schema.outputs.some((output) => output.name === 'predict_proba')

const probabilityMethod = (schema: ModelSchema): Method[] =>
  hasProbabilities(schema) ? ['predict_proba'] : []

const probabilityKeys = (schema: ModelSchema): string[] | undefined =>
  hasProbabilities(schema)
    ? schema.classes[0]!.map((label) => `${JSON.stringify(String(label))}:`)
    : undefined
