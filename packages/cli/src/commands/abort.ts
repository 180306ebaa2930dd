import { type Command, takeArguments, textOption } from '../command.ts'
import { variantsOf } from '../rollout.ts'
import { progress } from '../terminal.ts'

const usage = `Ends a rollout: the version that served before answers everybody. Returns when every gateway follows.

Usage: millwright abort DEPLOYMENT [--reason TEXT]

Examples:
  millwright abort churn --reason "more errors than before"
`

export const abort: Command = {
  usage,
  options: { reason: { type: 'string' } },
  async run({ terminal, client, json }, values, positionals) {
    const [name] = takeArguments(positionals, 'DEPLOYMENT')
    const reason = textOption(values, 'reason')
    const before = await client.getDeployment(name!)
    const bar = progress(terminal, 'Aborting')
    bar.update('…')
    const after = await client.abort(name!, { ...(reason === undefined ? {} : { reason }) })
    bar.done(
      before.candidate === null
        ? `${after.name} had no rollout under way; ${variantsOf(after)} serves as before`
        : `${after.name}  ${variantsOf(after)} answers everybody, @${before.candidate.number} nobody`,
    )
    if (json) terminal.stdout(`${JSON.stringify(after)}\n`)
    return 0
  },
}
