import type { Deployment } from '@millwright/contracts'
import { type CliContext, type Command, takeArguments, textOption } from '../command.ts'
import { progress } from '../terminal.ts'

type Reason = { readonly reason?: string }
type Verb = {
  readonly usage: string
  readonly doing: string
  readonly change: (client: CliContext['client'], name: string, body: Reason) => Promise<Deployment>
  readonly done: (after: Deployment) => string
}

const command = ({ usage, doing, change, done }: Verb): Command => ({
  usage,
  options: { reason: { type: 'string' } },
  async run({ terminal, client, json }, values, positionals) {
    const [name] = takeArguments(positionals, 'DEPLOYMENT')
    const reason = textOption(values, 'reason')
    const bar = progress(terminal, doing)
    bar.update('…')
    const after = await change(client, name!, { ...(reason !== undefined && { reason }) })
    bar.done(done(after))
    if (json) terminal.stdout(`${JSON.stringify(after)}\n`)
    return 0
  },
})

export const load = command({
  usage: `Serves a deployment that was unloaded, as it was set. Returns when every gateway does.

Usage: millwright load DEPLOYMENT [--reason TEXT]

Examples:
  millwright load churn
`,
  doing: 'Loading',
  change: (client, name, body) => client.load(name, body),
  done: ({ name, version }) => `${name}  @${version.number} (${version.label}) serves`,
})

export const unload = command({
  usage: `Takes a deployment out of the memory of every gateway. Its settings and versions stay; it answers nobody.

Usage: millwright unload DEPLOYMENT [--reason TEXT]

Examples:
  millwright unload churn --reason "not needed before spring"
`,
  doing: 'Unloading',
  change: (client, name, body) => client.unload(name, body),
  done: ({ name }) => `${name} answers nobody; it is back with: millwright load ${name}`,
})
