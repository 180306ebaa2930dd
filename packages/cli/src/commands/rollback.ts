import { type Command, countOption, takeArguments, textOption } from '../command.ts'
import { progress } from '../terminal.ts'

const usage = `Restores what a deployment was before: model version, decision and answer template together. Revisions with a rollout
under way are passed over: one version answers everybody. Returns when every gateway serves it. Called again, it goes one
step further back.

Usage: millwright rollback DEPLOYMENT [options]

Options:
  --revision N       restore this revision instead (see "millwright status DEPLOYMENT")
  --reason TEXT      recorded with the change

Examples:
  millwright rollback churn
  millwright rollback churn --reason "scores doubled at noon"
`

export const rollback: Command = {
  usage,
  options: { revision: { type: 'string' }, reason: { type: 'string' } },
  async run({ terminal, client, json }, values, positionals) {
    const [name] = takeArguments(positionals, 'DEPLOYMENT')
    const reason = textOption(values, 'reason')
    const revision = countOption(values, 'revision')
    const before = await client.getDeployment(name!)
    const bar = progress(terminal, 'Rolling back')
    bar.update('…')
    const after = await client.rollBack(name!, {
      ...(revision === undefined ? {} : { revision }),
      ...(reason === undefined ? {} : { reason }),
    })
    bar.done(
      `${after.name}@${after.version.number} (${after.version.label}) serves again, before @${before.version.number}; ` +
        `revision ${after.revision.restores} restored as ${after.revision.revision}`,
    )
    if (json) terminal.stdout(`${JSON.stringify(after)}\n`)
    else terminal.stderr(`Forward again:  millwright promote ${after.name} ${before.version.number}\n`)
    return 0
  },
}
