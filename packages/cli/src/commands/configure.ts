import type { ChangeDeployment } from '@millwright/contracts'
import { type Command, takeArguments, textOption, UsageError } from '../command.ts'
import { progress } from '../terminal.ts'

const usage = `Sets the limits and the cache of a deployment. What is given replaces what was set; "none" takes it away.

Usage: millwright configure DEPLOYMENT [options]
  --limits NAME=VALUE,…  rows and bodyBytes of one request, concurrency (requests at once in one gateway),
                         waitMs (longest a request waits for those before it), ratePerKey.perSecond and
                         ratePerKey.burst (requests of each API key)
  --cache ttl=SECONDS,max=ROWS
                         give answers again to the same rows for so long, keep at most so many in one gateway
  --reason TEXT          recorded with the change

Examples:
  millwright configure churn --limits rows=100,concurrency=8
  millwright configure churn --limits ratePerKey.perSecond=20,ratePerKey.burst=50
  millwright configure churn --cache ttl=300,max=100000
  millwright configure churn --cache none
`

export const configure: Command = {
  usage,
  options: { limits: { type: 'string' }, cache: { type: 'string' }, reason: { type: 'string' } },
  async run({ terminal, client, json }, values, positionals) {
    const [name] = takeArguments(positionals, 'DEPLOYMENT')
    const [limits, cache] = [textOption(values, 'limits'), textOption(values, 'cache')]
    if (limits === undefined && cache === undefined)
      throw new UsageError('nothing to set: give --limits or --cache')
    const reason = textOption(values, 'reason')
    // What may be set, and to what, the server says.
    const change = {
      ...(limits !== undefined && { limits: settingsOf('limits', limits) }),
      ...(cache !== undefined && { cache: settingsOf('cache', cache) }),
      ...(reason !== undefined && { reason }),
    } as ChangeDeployment
    const bar = progress(terminal, 'Configuring')
    bar.update('…')
    const after = await client.changeDeployment(name!, change)
    const { config } = after.revision
    bar.done(`${after.name}  limits ${textOf(config.limits)}  cache ${textOf(config.cache)}`)
    if (json) terminal.stdout(`${JSON.stringify(after)}\n`)
    return 0
  },
}

type Settings = { [name: string]: number | Settings }

/** `rows=100,ratePerKey.burst=50` @throws UsageError */
function settingsOf(option: string, text: string): Settings | null {
  if (text === 'none') return null
  const settings: Settings = {}
  for (const pair of text.split(',')) {
    const [, path, value] = /^([A-Za-z]+(?:\.[A-Za-z]+)?)=(.+)$/.exec(pair.trim()) ?? []
    const number = Number(value)
    if (path === undefined || Number.isNaN(number))
      throw new UsageError(`--${option} takes NAME=NUMBER,… or none, got ${JSON.stringify(text)}`)
    const [name, part] = path.split('.') as [string, string | undefined]
    settings[name] = part === undefined ? number : { ...(settings[name] as Settings), [part]: number }
  }
  return settings
}

/** As it would be given. */
const textOf = (settings: object | undefined, prefix = ''): string =>
  settings === undefined
    ? 'none'
    : Object.entries(settings)
        .map(([name, value]) =>
          typeof value === 'object' ? textOf(value, `${name}.`) : `${prefix}${name}=${value}`,
        )
        .join(',')
