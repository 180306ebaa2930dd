import { type Command, takeArguments, textOption, UsageError } from '../command.ts'
import { progress } from '../terminal.ts'

const usage = `Lets another version of a deployment's model serve: without a VERSION, the candidate of the rollout under way, which ends.
Returns when every gateway serves it.

Usage: millwright promote DEPLOYMENT [VERSION] [--reason TEXT]
       millwright promote DEPLOYMENT@VERSION

Examples:
  millwright promote churn 2 --reason "auc 0.864 against 0.859"
`

export const promote: Command = {
  usage,
  options: { reason: { type: 'string' } },
  async run({ terminal, client, json }, values, positionals) {
    const given = positionals.length === 1 ? positionals[0]!.split('@') : positionals
    const [name, version] = takeArguments(given, 'DEPLOYMENT', 'VERSION?')
    const number = version === undefined ? undefined : readVersion(version)
    const before = await client.getDeployment(name!)
    const bar = progress(terminal, 'Promoting')
    bar.update('…')
    const reason = textOption(values, 'reason')
    const after = await client.promote(name!, {
      ...(number === undefined ? {} : { version: number }),
      ...(reason === undefined ? {} : { reason }),
    })
    bar.done(
      `${after.name}@${after.version.number} (${after.version.label}) serves, before @${before.version.number}`,
    )
    if (json) terminal.stdout(`${JSON.stringify(after)}\n`)
    else terminal.stderr(`Take it back:  millwright rollback ${after.name}\n`)
    return 0
  },
}

/** @throws UsageError */
function readVersion(text: string): number {
  const number = Number(text.replace(/^v/, ''))
  if (!Number.isInteger(number) || number < 1)
    throw new UsageError(`VERSION is a number, got ${JSON.stringify(text)}`)
  return number
}
