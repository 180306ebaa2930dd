import { type Command, takeArguments } from '../command.ts'
import { formatAge, formatBytes, printable, table } from '../terminal.ts'

const usage = `Lists models, or the versions of one.

Usage: millwright models [MODEL] [--json]

Examples:
  millwright models
  millwright models churn
`

export const models: Command = {
  usage,
  options: {},
  async run({ terminal, client, json }, _values, positionals) {
    const [name] = takeArguments(positionals, 'MODEL?')
    if (name === undefined) {
      const { data } = await client.listModels()
      const rows = data.map((model) => [
        terminal.style.bold(model.name),
        String(model.versions),
        Object.entries(model.aliases)
          .map(([alias, version]) => `${alias}=${version}`)
          .join(' '),
        formatAge(model.created_at),
      ])
      terminal.stdout(
        json
          ? `${JSON.stringify({ data })}\n`
          : table(rows, terminal.style, ['MODEL', 'VERSIONS', 'ALIASES', 'CREATED']),
      )
      return 0
    }
    const [model, { data }] = await Promise.all([client.getModel(name), client.listVersions(name)])
    const aliases = (version: number): string =>
      Object.entries(model.aliases)
        .flatMap(([alias, at]) => (at === version ? [alias] : []))
        .join(' ')
    const state = { READY: 'good', PENDING: 'warn', REFUSED: 'bad' } as const
    const rows = data.map((version) => [
      String(version.number),
      version.label,
      terminal.style[state[version.state]](version.state),
      aliases(version.number),
      printable(version.filename ?? ''),
      formatBytes(version.bytes),
      version.digest.slice(0, 12),
      `${formatAge(version.created_at)} by ${printable(version.created_by)}`,
      printable(version.reason ?? ''),
    ])
    const header = ['VERSION', 'LABEL', 'STATE', 'ALIASES', 'FILE', 'SIZE', 'SHA256', 'CREATED', 'REASON']
    terminal.stdout(json ? `${JSON.stringify({ ...model, data })}\n` : table(rows, terminal.style, header))
    return 0
  },
}
