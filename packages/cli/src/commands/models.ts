import type { Client } from '@millwright/client'
import type { ModelVersion, VersionDetail } from '@millwright/contracts'
import { type Command, takeArguments } from '../command.ts'
import { reviewText } from '../review-text.ts'
import { formatAge, formatBytes, printable, type Style, table } from '../terminal.ts'

const usage = `Lists models, the versions of one, or shows one version as a reviewer would ask about it.

Usage: millwright models [MODEL | MODEL@VERSION] [--json]

Examples:
  millwright models
  millwright models churn
  millwright models churn@3
`

/** A document, and how it is read by people. */
type Shown = { readonly document: unknown; readonly text: (style: Style) => string }

const ONE_VERSION = /^(.+)@v?(\d+)$/

export const models: Command = {
  usage,
  options: {},
  async run({ terminal, client, json }, _values, positionals) {
    const [name] = takeArguments(positionals, 'MODEL?')
    const { document, text } = await look(client, name)
    terminal.stdout(json ? `${JSON.stringify(document)}\n` : text(terminal.style))
    return 0
  },
}

function look(client: Client, name: string | undefined): Promise<Shown> {
  if (name === undefined) return allModels(client)
  const [, model, number] = ONE_VERSION.exec(name) ?? []
  return model === undefined ? versionsOf(client, name) : oneVersion(client, model, Number(number))
}

async function allModels(client: Client): Promise<Shown> {
  const { data } = await client.listModels()
  const text = (style: Style): string => {
    const rows = data.map((model) => [
      style.bold(model.name),
      String(model.versions),
      Object.entries(model.aliases)
        .map(([alias, version]) => `${alias}=${version}`)
        .join(' '),
      formatAge(model.created_at),
    ])
    return table(rows, style, ['MODEL', 'VERSIONS', 'ALIASES', 'CREATED'])
  }
  return { document: { data }, text }
}

const STATE_STYLE = { READY: 'good', PENDING: 'warn', REFUSED: 'bad' } as const
const stateOf = ({ state }: ModelVersion, style: Style): string => style[STATE_STYLE[state]](state)
const HEADER = ['VERSION', 'LABEL', 'STATE', 'ALIASES', 'FILE', 'SIZE', 'SHA256', 'CREATED', 'REASON']

async function versionsOf(client: Client, name: string): Promise<Shown> {
  const [model, { data }] = await Promise.all([client.getModel(name), client.listVersions(name)])
  const aliases = (version: number): string =>
    Object.entries(model.aliases)
      .flatMap(([alias, at]) => (at === version ? [alias] : []))
      .join(' ')
  const text = (style: Style): string => {
    const rows = data.map((version) => [
      String(version.number),
      version.label,
      stateOf(version, style),
      aliases(version.number),
      printable(version.filename ?? ''),
      formatBytes(version.bytes),
      version.digest.slice(0, 12),
      `${formatAge(version.created_at)} by ${printable(version.created_by)}`,
      printable(version.reason ?? ''),
    ])
    return table(rows, style, HEADER)
  }
  return { document: { ...model, data }, text }
}

async function oneVersion(client: Client, model: string, number: number): Promise<Shown> {
  const version = await client.getVersion(model, number)
  return { document: version, text: (style) => versionText(version, style) }
}

function versionText(version: VersionDetail, style: Style): string {
  const { model, number, label, digest, filename, reason, review } = version
  const facts = [
    ['Version', `${model}@${number} (${label}), ${stateOf(version, style)}`],
    ['File', `${printable(filename ?? '')} sha256 ${digest}`],
    ['Created', `${formatAge(version.created_at)} by ${printable(version.created_by)}`],
    ...(reason === null ? [] : [['Reason', printable(reason)]]),
  ]
  const answers = review === null ? '' : `\n${style.bold('Review')}\n${reviewText(review, style)}`
  return table(facts, style) + answers
}
