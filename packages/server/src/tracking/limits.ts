import { invalid, missing } from './errors.ts'

/** What names and values may be. Messages and sizes are MLflow's. */
const RUN_ID = /^[a-zA-Z0-9][\w-]{0,255}$/
const EXPERIMENT_ID = /^[a-zA-Z0-9][\w-]{0,63}$/
const KEY = /^[/\p{L}\p{N}_.\- :]*$/u
const KEY_LENGTH = 250
const PARAM_LENGTH = 6000
const RUN_TAG_LENGTH = 8000
const EXPERIMENT_NAME_LENGTH = 500
const EXPERIMENT_TAG_LENGTH = 5000

export function assertRunId(id: string): void {
  if (!RUN_ID.test(id)) throw invalid(`Invalid run ID: '${id.slice(0, KEY_LENGTH)}'`)
}

export function assertExperimentId(id: string): void {
  if (!EXPERIMENT_ID.test(id)) throw invalid(`Invalid experiment ID: '${id.slice(0, KEY_LENGTH)}'`)
}

export function assertExperimentName(name: string): void {
  if (name.length > EXPERIMENT_NAME_LENGTH)
    throw invalid(`'name' exceeds the maximum length of ${EXPERIMENT_NAME_LENGTH} characters`)
}

const LOCATION_LENGTH = 2048

/** Where an experiment keeps its files: what one program reads as a path and another as something else is refused. */
export function assertLocation(location: string): void {
  if (location.length > LOCATION_LENGTH)
    throw invalid(`'artifact_location' exceeds the maximum length of ${LOCATION_LENGTH} characters`)
  const shown = location.slice(0, KEY_LENGTH)
  if (/^runs:/i.test(location)) throw invalid(`Artifact location cannot be a runs:/ URI. Got '${shown}'`)
  if (
    /[#;?\\\p{Cc}]|%/u.test(location) ||
    /(^|\/)\.\.(\/|$)/.test(location) ||
    /^mlflow-artifacts:\/*$/i.test(location)
  )
    throw invalid(
      `Invalid artifact location: '${shown}'. It must be a location without queries, fragments, params, escapes and relative parts`,
    )
}

/** Of a metric, a param or a tag: clients keep some of them as files. */
export function assertKey(key: string): void {
  if (key.length > KEY_LENGTH) throw invalid(`'name' exceeds the maximum length of ${KEY_LENGTH} characters`)
  if (!KEY.test(key))
    throw invalid(
      `Invalid value "${key}" for parameter 'name' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colons (:) and slashes (/).`,
    )
  const normal = normalPath(key)
  if (normal !== key || /^(\/|\.\.|\.$)/.test(normal))
    throw invalid(
      `Invalid value "${key}" for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${normal}'`,
    )
}

/** What a path of files would be read as. */
function normalPath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else parts.push(part)
  }
  return (path.startsWith('/') ? '/' : '') + parts.join('/') || '.'
}

/** What is too long is cut, as MLflow's server does by default. */
export const paramValue = (value: string): string => value.slice(0, PARAM_LENGTH)
export const runTagValue = (value: string): string => value.slice(0, RUN_TAG_LENGTH)
export const experimentTagValue = (value: string): string => value.slice(0, EXPERIMENT_TAG_LENGTH)

/** Longest text of each part of a dataset. */
const DATASET_LENGTHS = {
  name: 500,
  digest: 36,
  source: 65_535,
  schema: 1_048_575,
  profile: 16_777_215,
} as const
const INPUT_TAG_LENGTHS = { key: 255, value: 500 } as const

const assertLengths = <K extends string>(
  given: Readonly<Partial<Record<K, string | null | undefined>>>,
  lengths: Readonly<Record<K, number>>,
): void => {
  for (const name in lengths)
    if ((given[name]?.length ?? 0) > lengths[name])
      throw invalid(`'${name}' exceeds the maximum length of ${lengths[name]} characters`)
}

export function assertDataset(
  dataset: Readonly<Partial<Record<keyof typeof DATASET_LENGTHS, string | null | undefined>>>,
): void {
  assertLengths(dataset, DATASET_LENGTHS)
}

export function assertInputTag(tag: { readonly key: string; readonly value: string }): void {
  assertLengths(tag, INPUT_TAG_LENGTHS)
}

/** Clients keep a logged model's files in a folder of its name. */
const NOT_IN_MODEL_NAME = ['/', ':', '.', '%', '"', "'"]

export function assertLoggedModelName(name: string): void {
  if (name !== '' && !NOT_IN_MODEL_NAME.some((sign) => name.includes(sign))) return
  const signs = NOT_IN_MODEL_NAME.map((sign) => (sign === "'" ? `"'"` : `'${sign}'`)).join(', ')
  throw invalid(
    `Invalid model name ('${name.slice(0, KEY_LENGTH)}') provided. Model name must be a non-empty string and cannot contain the following characters: (${signs})`,
  )
}

const REGISTRY_TAG_LENGTH = 100_000
const ALIAS_LENGTH = 255
const MODEL_NAME_LENGTH = 256

export function assertRegistryTag({ key, value }: { readonly key: string; readonly value: string }): void {
  assertKey(key)
  if (value.length > REGISTRY_TAG_LENGTH)
    throw invalid(`'value' exceeds the maximum length of ${REGISTRY_TAG_LENGTH} characters`)
}

export function assertModelName(name: string): void {
  if (name === '') throw missing('name')
  if (name.length > MODEL_NAME_LENGTH)
    throw invalid(`'name' exceeds the maximum length of ${MODEL_NAME_LENGTH} characters`)
}

/** `latest` and `v2` mean versions. */
export function assertAlias(alias: string): void {
  if (alias.length > ALIAS_LENGTH)
    throw invalid(`'alias' exceeds the maximum length of ${ALIAS_LENGTH} characters`)
  if (!/^[\w-]+$/.test(alias))
    throw invalid(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_) and dashes (-).`,
    )
  if (alias.toLowerCase() === 'latest') throw invalid("'latest' alias name (case insensitive) is reserved.")
  if (/^v\d+$/i.test(alias)) throw invalid(`Version alias name '${alias}' is reserved.`)
}
