import { invalid } from './errors.ts'

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

/** Of a metric, a param or a tag: clients keep some of them as files. */
export function assertKey(key: string): void {
  if (key.length > KEY_LENGTH) throw invalid(`'name' exceeds the maximum length of ${KEY_LENGTH} characters`)
  if (!KEY.test(key))
    throw invalid(
      `Invalid value "${key}" for parameter 'name' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colons (:) and slashes (/).`,
    )
  const normal = normalPath(key)
  if (normal !== key)
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
