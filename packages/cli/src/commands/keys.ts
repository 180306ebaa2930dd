import type { ApiKey, CreatedKey, CreateKey } from '@millwright/contracts'
import { KEY_KINDS, KIND_TABLE, SCOPE_TABLE, SCOPES } from '@millwright/contracts/scopes'
import {
  type CliContext,
  type Command,
  takeArguments,
  textOption,
  UsageError,
  type Values,
} from '../command.ts'
import { parseDuration } from '../duration.ts'
import { createKeyOffline } from '../offline-key.ts'
import { formatAge, printable, type Style, type Terminal, table } from '../terminal.ts'

const listed = (rows: readonly (readonly [string, string])[]): string =>
  rows.map(([name, meaning]) => `  ${name.padEnd(17)}${meaning}`).join('\n')

const usage = `Makes, lists, rotates and revokes API keys. A key is shown once, when it is made.

Usage: millwright keys create NAME [--kind KIND] --scope SCOPE [--deployment NAME] [--experiment NAME] [--model NAME]
                               [--expires 90d] [--data DIR]
       millwright keys list
       millwright keys rotate ID [--overlap 24h]
       millwright keys revoke ID

Options:
  --kind KIND        what it is for (default service; deployment when --deployment is given)
  --scope SCOPE      what it allows; may be given several times
  --deployment NAME  the only deployment it is good for; may be given several times
  --experiment NAME  the only experiment, by its name or id, it is good for; may be given several times
  --model NAME       the only registered model it is good for; may be given several times
  --expires TIME     how long it lives: 12h, 90d (default: for ever; a personal one 90d)
  --overlap TIME     how long the old key works beside the new one (default 24h, at most 7d; 0: not at all)
  --data DIR         make it in the data folder of a server that does not run: the first one

Kinds:
${listed(KEY_KINDS.map((kind) => [kind, KIND_TABLE[kind].meaning]))}

Scopes:
${listed(SCOPES.map((scope) => [scope, SCOPE_TABLE[scope].meaning]))}

Examples:
  millwright keys create admin --scope admin --data /var/lib/millwright
  millwright keys create shop --deployment churn --scope predict
  millwright keys create training --scope track --experiment churn --model churn
  millwright keys create ana --kind personal --scope deploy --expires 30d
  millwright keys rotate key_8fK2mQ1x --overlap 1h
`

type Verb = (context: CliContext, values: Values, positionals: readonly string[]) => Promise<unknown>

export const keys: Command = {
  usage,
  options: {
    kind: { type: 'string' },
    scope: { type: 'string', multiple: true },
    deployment: { type: 'string', multiple: true },
    experiment: { type: 'string', multiple: true },
    model: { type: 'string', multiple: true },
    expires: { type: 'string' },
    overlap: { type: 'string' },
    data: { type: 'string' },
  },
  async run(context, values, [verb = 'list', ...positionals]) {
    const work = VERBS[verb]
    if (work === undefined)
      throw new UsageError(`keys takes ${Object.keys(VERBS).join(', ')}, got ${JSON.stringify(verb)}`)
    const document = await work(context, values, positionals)
    if (context.json) context.terminal.stdout(`${JSON.stringify(document)}\n`)
    return 0
  },
}

const VERBS: Readonly<Record<string, Verb>> = {
  async create(context, values, positionals) {
    const request = requestOf(values, positionals)
    const data = textOption(values, 'data')
    const key =
      data === undefined ? await context.client.createKey(request) : await createKeyOffline(data, request)
    showSecret(context, key)
    return key
  },
  async list({ client, json, terminal }, _values, positionals) {
    takeArguments(positionals)
    const page = await client.listKeys({ limit: 500 })
    if (!json) terminal.stdout(keyTable(page.data, terminal.style))
    return page
  },
  async rotate(context, values, positionals) {
    const [id] = takeArguments(positionals, 'ID')
    const overlap = parseDuration(textOption(values, 'overlap') ?? '24h', 'overlap')
    const key = await context.client.rotateKey(id!, { overlap_seconds: overlap })
    showSecret(context, key)
    return key
  },
  async revoke({ client, terminal }, _values, positionals) {
    const [id] = takeArguments(positionals, 'ID')
    const key = await client.revokeKey(id!)
    terminal.stderr(`${terminal.style.good('✔')} ${key.id} (${key.name}) is revoked on every gateway\n`)
    return key
  },
}

function requestOf(values: Values, positionals: readonly string[]): CreateKey {
  const [name] = takeArguments(positionals, 'NAME')
  const scopes = oneOf('scope', listOption(values, 'scope'), SCOPES)
  const deployments = listOption(values, 'deployment')
  // Their names may have commas.
  const [experiments, models] = ['experiment', 'model'].map((name) => (values[name] ?? []) as string[])
  const given = textOption(values, 'kind') ?? (deployments.length > 0 ? 'deployment' : 'service')
  const [kind] = oneOf('kind', [given], KEY_KINDS)
  if (scopes.length === 0) throw new UsageError(`--scope is missing: ${SCOPES.join(', ')}`)
  const expires = textOption(values, 'expires')
  return {
    ...{ name: name!, kind: kind!, scopes },
    ...(deployments.length > 0 && { deployments }),
    ...(experiments!.length > 0 && { experiments }),
    ...(models!.length > 0 && { models }),
    ...(expires !== undefined && {
      expires_at: new Date(Date.now() + parseDuration(expires, 'expires') * 1000).toISOString(),
    }),
  }
}

function oneOf<T extends string>(option: string, given: readonly string[], allowed: readonly T[]): T[] {
  return given.map((text) => {
    const found = allowed.find((value) => value === text)
    if (found === undefined)
      throw new UsageError(`--${option} takes ${allowed.join(', ')}, got ${JSON.stringify(text)}`)
    return found
  })
}

/** `--scope read,label` is the same as `--scope read --scope label`. */
const listOption = (values: Values, name: string): string[] =>
  ((values[name] ?? []) as string[]).flatMap((text) => text.split(','))

/** On stdout is the secret alone, so that it can be put somewhere without being seen. */
function showSecret({ terminal, json }: CliContext, key: CreatedKey): void {
  if (json) return
  terminal.stdout(`${key.secret}\n`)
  say(terminal, `${key.id} (${key.name}): ${key.scopes.join(', ')}${boundTo(key)}${until(key)}`)
  if (!terminal.quiet)
    terminal.stderr('  Keep it now: it is shown this once. Callers send it as  Authorization: Bearer KEY\n')
}

const say = ({ stderr, style, quiet }: Terminal, line: string): void => {
  if (!quiet) stderr(`${style.good('✔')} ${line}\n`)
}

/** What it is good for alone. */
const boundsOf = ({ deployments, experiments, models }: ApiKey): string[] => [
  ...(deployments ?? []),
  ...(experiments ?? []).map((id) => `experiment ${id}`),
  ...(models ?? []).map((name) => `model ${name}`),
]
const boundTo = (key: ApiKey): string => {
  const bounds = boundsOf(key)
  return bounds.length === 0 ? '' : ` of ${bounds.join(', ')}`
}
const until = ({ expires_at }: ApiKey): string => (expires_at === null ? '' : `, until ${expires_at}`)

const STATES = { active: 'good', expired: 'warn', revoked: 'bad' } as const
const HEADER = ['ID', 'NAME', 'KIND', 'BEGINS', 'SCOPES', 'ONLY', 'STATE', 'USED', 'EXPIRES', 'CREATED']

function keyTable(data: readonly ApiKey[], style: Style): string {
  const rows = data.map((key) => [
    key.id,
    key.name,
    key.kind,
    key.starts_with,
    key.scopes.join(' '),
    printable(boundsOf(key).join(', ')) || 'all',
    style[STATES[key.state]](key.state),
    key.last_used_at === null ? 'never' : formatAge(key.last_used_at),
    key.expires_at?.slice(0, 16).replace('T', ' ') ?? 'never',
    `${formatAge(key.created_at)} by ${key.created_by}`,
  ])
  return table(rows, style, HEADER)
}
