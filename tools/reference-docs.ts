import { readFileSync, writeFileSync } from 'node:fs'
import { COMMANDS, HELP } from '../packages/cli/src/commands.ts'
import { KEY_KINDS, KIND_TABLE, SCOPE_TABLE, SCOPES } from '../packages/contracts/src/scopes.ts'
import { type ListedRoute, listRoutes } from './route-table.ts'

/** node tools/reference-docs.ts: writes docs/reference/{cli,configuration,permissions}.md from the commands, settings and routes themselves. */

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

export async function buildCliPage(): Promise<string> {
  const server = /const USAGE = `([\s\S]+?)`/.exec(read('packages/server/src/main.ts'))![1]!
  const usages = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => section(name, (await load()).usage)),
  )
  return `# Command line\n\n${block(HELP)}\n${section('up', server)}\n${usages.join('\n')}`
}

const block = (text: string): string => `\`\`\`\n${text.replaceAll('\\${', '${').trimEnd()}\n\`\`\`\n`
const section = (name: string, usage: string): string => `## ${name}\n\n${block(usage)}`

/** A setting in `config.ts`: its comment, its name, its rule. */
const SETTING = /\/\*\* ([^*]+?) \*\/\n\s+((?:MILLWRIGHT|OTEL)_\w+): (\w+\([\s\S]*?\)),\n(?=\s+\/\*\*|\})/g

export function buildConfigurationPage(): string {
  const rows = [...read('packages/server/src/config.ts').matchAll(SETTING)].map(([, comment, name, rule]) => {
    const value = /^\w+\(([^,)]+)/.exec(rule!)![1]!
    return `| \`${name}\` | ${comment!.replace(/\s+/g, ' ')} | ${DEFAULTS[name!] ?? defaultOf(value)} |`
  })
  return `# Configuration

Read from the environment, once, at start; options of \`millwright up\` win over it. Everything wrong is said at once.

| variable | what | default |
|---|---|---|
${rows.join('\n')}

The command line reads \`MILLWRIGHT_URL\` (default \`http://127.0.0.1:7600\`), \`MILLWRIGHT_API_KEY\`, \`MILLWRIGHT_USER\` (default: who is logged
in; where a key is asked for, its name counts), \`NO_COLOR\`.

\`OTEL_…\` are OpenTelemetry's own names; [Trace requests](../how-to/trace-requests.md) shows them at work.
`
}

/** Defaults that depend on the machine. */
const DEFAULTS: Readonly<Record<string, string>> = {
  MILLWRIGHT_DATA: '`~/.local/share/millwright`',
  MILLWRIGHT_GATEWAYS: 'one per core',
}

const defaultOf = (source: string): string => (source === "''" ? 'none' : `\`${evaluate(source)}\``)

/** `16 * MEBIBYTE` → 16777216 */
function evaluate(source: string): string {
  const product = /^(\d+) \* MEBIBYTE$/.exec(source)
  if (product !== null) return String(Number(product[1]) * 2 ** 20)
  return /^[\d_]+$/.test(source) ? source.replaceAll('_', '') : source.replaceAll("'", '')
}

export async function buildPermissionsPage(): Promise<string> {
  const { gateway, grpc, control } = await listRoutes()
  const scopes = SCOPES.map(
    (scope) => `| \`${scope}\` | ${SCOPE_TABLE[scope].meaning} | ${SCOPE_TABLE[scope].allows.join(', ')} |`,
  )
  const kinds = KEY_KINDS.map((kind) => {
    const { prefix, meaning, scopes: allowed } = KIND_TABLE[kind]
    return `| ${kind} | \`${prefix}…\` | ${meaning} | ${allowed.join(', ')} |`
  })
  return `# Keys and permissions

What each route asks of an API key, where one is asked for; see [Secure a server](../how-to/secure-a-server.md).

## Scopes

| scope | lets its key | includes |
|---|---|---|
${scopes.join('\n')}

\`read\` shows the prediction log, with the features of every logged row.

## Kinds of keys

| kind | begins with | whose it is | scopes it may have |
|---|---|---|---|
${kinds.join('\n')}

A key is its prefix, 30 random letters and digits, and 6 more that are their CRC-32 in base 62. For secret scanners:
\`mw[psd]_[0-9A-Za-z]{36}\`. Only its SHA-256 is kept.

A key may name deployments, or experiments and models. One that names anything is good for what it names, and for nothing else:

- **deployments**: it gets an answer where the address names one of its deployments, and, for predictions, where an
  address without a name means one of them as the default.
- **experiments**, by name or id when the key is made, kept by id: their runs, logged models and files, whatever they are
  renamed to. No others are made.
- **models**, by name, there or yet to be made: they, their versions, tags and aliases; the files that their versions are made
  of may be read, not written. With the scope \`deploy\` that includes the alias \`production\`, and so what serves. A version
  is made of nothing that the key may not read, and a model gets no name that the key is not good for. It may send uploads, and
  makes versions of what it sent itself within the last hour: the digest of anything else is \`UPLOAD_NOT_FOUND\`, whether it
  is there or not.

Searches find what a key is good for. Anything else is 403, whether it is there or not, and so is what is about all:
webhooks, events, status, the prediction log. Keys for experiments or models have the scopes \`read\`, \`track\` and
\`deploy\`.

## Routes

Whatever is not in these tables asks for a key too, of any scope, before it is answered with 404 or 405. What is under
\`/api/2.0/mlflow/\` is under \`/api/3.0/mlflow/\` and \`/ajax-api/\` as well.

### Answered by gateways

${routeRows(gateway)}

### Answered by gateways over gRPC

${routeRows(grpc)}

### Answered by control

${routeRows(control)}
`
}

const routeRows = (routes: readonly ListedRoute[]): string =>
  [
    '| route | methods | scope |',
    '|---|---|---|',
    ...withoutTwins(routes).map(
      ({ path, methods, permission }) => `| \`${path}\` | ${methods.join(', ')} | ${permission} |`,
    ),
  ].join('\n')

/** MLflow's paths are there four times. */
function withoutTwins(routes: readonly ListedRoute[]): ListedRoute[] {
  const paths = new Set(routes.map(({ path }) => path))
  return routes.filter(({ path }) => {
    const first = path.replace('/ajax-api/', '/api/').replace('/api/3.0/mlflow', '/api/2.0/mlflow')
    return first === path || !paths.has(first)
  })
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/reference/permissions.md', import.meta.url), await buildPermissionsPage())
  writeFileSync(new URL('../docs/reference/cli.md', import.meta.url), await buildCliPage())
  writeFileSync(new URL('../docs/reference/configuration.md', import.meta.url), buildConfigurationPage())
}
