import {
  type DeploymentConfig,
  type FieldError,
  MillwrightError,
  type ModelSchema,
  type Respond,
} from '@millwright/contracts'
import { compileDecision } from '@millwright/inference/decision'
import { compileRespond } from '../inference/respond.ts'
import type { RoutedVersion } from '../routing/snapshot.ts'
import type { StoredDeployment } from './model.ts'

/** Every version that a configuration would answer with. */
type Versions = Pick<StoredDeployment, 'version' | 'candidate' | 'pinned'>

/**
 * Holds a configuration against the schemas of the versions it would serve, with the functions gateways apply it with:
 * what is accepted here can be served.
 * @throws MillwrightError VALIDATION_FAILED, naming every fault
 */
export function assertConfig(config: DeploymentConfig, versions: Versions): void {
  const { version, candidate, pinned } = versions
  const others = [...(candidate === null ? [] : [candidate]), ...Object.values(pinned)]
  const fields = [
    ...decisionFaults(config.decision, version.schema),
    ...others.flatMap(({ number, schema }) =>
      decisionFaults(config.decision, schema).map((fault) => ({
        ...fault,
        message: `version ${number}: ${fault.message}`,
      })),
    ),
    ...respondFaults(config),
    ...shadowFaults(config.rollout, versions),
  ]
  if (fields.length > 0) throw new MillwrightError('VALIDATION_FAILED', { count: fields.length }, { fields })
}

const columnsOf = ({ schema }: RoutedVersion): string => schema.inputs.map(({ name }) => name).join(', ')

/** A shadow is given the rows as they were read for the stable version. */
function shadowFaults(rollout: DeploymentConfig['rollout'], { version, candidate }: Versions): FieldError[] {
  if (candidate === null || !rollout?.shadow || columnsOf(candidate) === columnsOf(version)) return []
  const message =
    `version ${candidate.number} reads ${columnsOf(candidate)}, version ${version.number} reads ` +
    `${columnsOf(version)}; a shadow is given the same columns in the same order`
  return [{ pointer: '/shadow', code: 'other_columns', message: shorten(message) }]
}

const SHOWN_CHARACTERS = 500
const shorten = (text: string): string =>
  text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS - 1)}…`

function decisionFaults(decision: DeploymentConfig['decision'], schema: ModelSchema): FieldError[] {
  if (decision === undefined) return []
  const faults = bandFaults(decision.bands ?? [])
  const classes = schema.classes[0] ?? []
  if (decision.positive !== undefined && !classes.includes(decision.positive))
    faults.push({
      pointer: '/decision/positive',
      code: 'unknown',
      message: `the model has no class ${JSON.stringify(decision.positive)}; it has ${JSON.stringify(classes)}`,
    })
  else faults.push(...said(() => compileDecision(decision, schema), pointerOf(decision, schema)))
  return faults
}

const pointerOf = (decision: { output?: string | undefined }, schema: ModelSchema): string => {
  const known = schema.outputs.some((output) => output.name === decision.output)
  return decision.output === undefined || known ? '/decision' : '/decision/output'
}

type Bands = NonNullable<NonNullable<DeploymentConfig['decision']>['bands']>

/** Bands are tried in order, so a lower one before a higher one would hide it. */
function bandFaults(bands: Bands): FieldError[] {
  return bands.flatMap((band, i): FieldError[] => {
    const next = bands[i + 1]
    const pointer = `/decision/bands/${i}`
    if (band.above === undefined && next !== undefined)
      return [{ pointer, code: 'order', message: 'only the last band may go without "above"' }]
    if (band.above !== undefined && next?.above !== undefined && next.above >= band.above)
      return [
        { pointer, code: 'order', message: `bands go from high to low; the next is above ${next.above}` },
      ]
    if (bands.findIndex((other) => other.name === band.name) < i)
      return [{ pointer: `${pointer}/name`, code: 'repeated', message: `"${band.name}" is there twice` }]
    return []
  })
}

function respondFaults(config: DeploymentConfig): FieldError[] {
  const { body, health, error } = config.respond ?? ({} as Partial<Respond>)
  return Object.entries({ body, health, error }).flatMap(([part, template]) =>
    pathsIn(template, `/respond/${part}`).flatMap(({ path, pointer }) => [
      ...said(() => compileRespond({ value: path }), pointer),
      ...undecided(config, path, pointer),
    ]),
  )
}

/** Places that only a decision fills. */
function undecided(config: DeploymentConfig, path: string, pointer: string): FieldError[] {
  const missing =
    (path === '$outcome' && config.decision?.threshold === undefined && 'threshold') ||
    (path === '$band' && config.decision?.bands === undefined && 'bands')
  return missing
    ? [{ pointer, code: 'undecided', message: `"${path}" needs decision.${missing}, which is not set` }]
    : []
}

function pathsIn(value: unknown, pointer: string): { path: string; pointer: string }[] {
  if (typeof value === 'string') return value.startsWith('$') ? [{ path: value, pointer }] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) =>
    pathsIn(item, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  )
}

/** What a check says against the configuration, without its prefix. */
function said(check: () => unknown, pointer: string): FieldError[] {
  try {
    check()
    return []
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return [{ pointer, code: 'invalid', message: error.message.replace(/^\w+: /, '') }]
  }
}
