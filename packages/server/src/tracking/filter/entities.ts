/** What a condition may ask about. */
export type Kind = 'metric' | 'param' | 'tag' | 'attribute' | 'dataset'
export type Operator = '=' | '!=' | '>' | '>=' | '<' | '<=' | 'LIKE' | 'ILIKE' | 'IN' | 'NOT IN'
export type ValueType = 'number' | 'text'

/** What is compared, and how it may be. */
export type Operand = { readonly type: ValueType; readonly operators: readonly Operator[] }

/** What a search looks through. */
export type Entity = {
  /** Keys of any name. */
  readonly open: Readonly<Partial<Record<Kind, Operand>>>
  /** Keys that are there, by the name a filter calls them. */
  readonly named: Readonly<Partial<Record<Kind, Readonly<Record<string, Attribute>>>>>
  /** Attributes that results can be sorted by and no condition asks about: what they are called, and mean. */
  readonly sorted?: Readonly<Record<string, string>>
}
/** `key`: what all its names mean. */
export type Attribute = Operand & { readonly key: string }

const NUMBER: Operand = { type: 'number', operators: ['=', '!=', '>', '>=', '<', '<='] }
const TEXT: Operand = { type: 'text', operators: ['=', '!=', 'LIKE', 'ILIKE'] }
const LISTED: Operand = { type: 'text', operators: [...TEXT.operators, 'IN', 'NOT IN'] }

/** `{ name: 'key' }` and `['key']` with the same operand. */
const attributes = (
  operand: Operand,
  names: readonly string[],
  aliases: Readonly<Record<string, string>> = {},
): Record<string, Attribute> =>
  Object.fromEntries(
    [...names.map((name) => [name, name] as const), ...Object.entries(aliases)].map(([name, key]) => [
      name,
      { ...operand, key },
    ]),
  )

export const RUNS: Entity = {
  open: { metric: NUMBER, param: TEXT, tag: TEXT },
  named: {
    attribute: {
      ...attributes(LISTED, ['run_id']),
      ...attributes(TEXT, ['run_name', 'status', 'artifact_uri', 'user_id'], {
        'run name': 'run_name',
        'Run name': 'run_name',
        'Run Name': 'run_name',
      }),
      ...attributes(NUMBER, ['start_time', 'end_time'], { created: 'start_time', Created: 'start_time' }),
    },
    dataset: attributes(LISTED, ['name', 'digest', 'context']),
  },
}

export const EXPERIMENTS: Entity = {
  open: { tag: TEXT },
  named: {
    attribute: {
      ...attributes(TEXT, ['name']),
      ...attributes(NUMBER, ['creation_time', 'last_update_time']),
    },
  },
  sorted: { experiment_id: 'experiment_id' },
}

export const REGISTERED_MODELS: Entity = {
  open: { tag: TEXT },
  named: { attribute: attributes(TEXT, ['name']) },
  sorted: {
    creation_timestamp: 'creation_timestamp',
    ...{ timestamp: 'last_updated_timestamp', last_updated_timestamp: 'last_updated_timestamp' },
  },
}

export const MODEL_VERSIONS: Entity = {
  open: { tag: TEXT },
  named: {
    attribute: {
      ...attributes(TEXT, ['name', 'source_path']),
      ...attributes(LISTED, ['run_id']),
      ...attributes(NUMBER, ['version_number']),
    },
  },
  sorted: {
    creation_timestamp: 'creation_timestamp',
    last_updated_timestamp: 'last_updated_timestamp',
  },
}

export const LOGGED_MODELS: Entity = {
  open: { metric: NUMBER, param: TEXT, tag: TEXT },
  named: {
    attribute: {
      ...attributes(LISTED, ['name', 'model_id', 'model_type', 'status', 'source_run_id']),
      ...attributes(NUMBER, ['creation_timestamp', 'last_updated_timestamp'], {
        creation_time: 'creation_timestamp',
        last_updated_time: 'last_updated_timestamp',
      }),
    },
  },
}

/** What a filter calls a kind. */
export const KIND_NAMES: Readonly<Record<string, Kind>> = {
  ...{ metric: 'metric', metrics: 'metric' },
  ...{ parameter: 'param', parameters: 'param', param: 'param', params: 'param' },
  ...{ tag: 'tag', tags: 'tag' },
  ...{ attribute: 'attribute', attributes: 'attribute', attr: 'attribute', run: 'attribute' },
  ...{ dataset: 'dataset', datasets: 'dataset' },
}
