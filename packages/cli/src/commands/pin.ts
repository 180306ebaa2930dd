import type { Pins } from '@millwright/contracts'
import { type Command, takeArguments, textOption, UsageError } from '../command.ts'
import { progress } from '../terminal.ts'

const usage = `Gives a version of the API, /v1/predict to /v9/predict, its own version of the model. Callers of /predict see nothing of it.

Usage: millwright pin DEPLOYMENT v1 VERSION [--reason TEXT]
       millwright pin DEPLOYMENT v1 ALIAS               goes along with the alias
       millwright pin DEPLOYMENT v1 none                /v1/predict is gone

Examples:
  millwright pin churn v1 2
  millwright pin churn v2 production
`

export const pin: Command = {
  usage,
  options: { reason: { type: 'string' } },
  async run({ terminal, client, json }, values, positionals) {
    const [name, api, to] = takeArguments(positionals, 'DEPLOYMENT', 'API', 'VERSION')
    if (!/^v[1-9]$/.test(api!)) throw new UsageError(`expected v1 … v9, got ${JSON.stringify(api)}`)
    const reason = textOption(values, 'reason')
    const before = await client.getDeployment(name!)
    const bar = progress(terminal, 'Pinning')
    bar.update('…')
    const after = await client.changeDeployment(name!, {
      pins: pinsOf(before.revision.config.pins ?? {}, api!, to!),
      ...(reason === undefined ? {} : { reason }),
    })
    const version = after.pinned[api!]
    bar.done(
      version === undefined
        ? `/${api}/predict/${name} is gone`
        : `/${api}/predict/${name} is answered by @${version.number} (${version.label})`,
    )
    if (json) terminal.stdout(`${JSON.stringify(after)}\n`)
    return 0
  },
}

function pinsOf({ ...pins }: Pins, api: string, to: string): Pins | null {
  if (to === 'none') delete pins[api]
  else pins[api] = /^\d+$/.test(to) ? { version: Number(to) } : { alias: to }
  return Object.keys(pins).length === 0 ? null : pins
}
