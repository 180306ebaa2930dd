import { type CliContext, type Command, CommandError, EXIT, textOption, UsageError } from '../command.ts'
import { checkText } from '../promotion-text.ts'
import { progress } from '../terminal.ts'
import { readVersion, splitName } from '../version-name.ts'

const usage = `Lets another version of a deployment's model serve: without a VERSION, the candidate of the rollout under way, which ends.
Returns when every gateway serves it. The model's promotion rules must hold: else nothing changes, and the exit code is 5.

Usage: millwright promote DEPLOYMENT [VERSION] [--reason TEXT] [--dry-run]
       millwright promote DEPLOYMENT@VERSION

Options:
  --reason TEXT  why, for the history
  --dry-run      change nothing; say whether the rules would hold, with what was seen and wanted
  --force        whatever the rules say; takes the scope admin and a --reason, and is recorded

Examples:
  millwright promote churn 2 --reason "auc 0.864 against 0.859"
  millwright promote churn 3 --dry-run
`

export const promote: Command = {
  usage,
  options: {
    reason: { type: 'string' },
    'dry-run': { type: 'boolean' },
    force: { type: 'boolean' },
  },
  async run(context, values, positionals) {
    const [name, version] = splitName(positionals, 'DEPLOYMENT', 'VERSION?')
    const number = version === undefined ? undefined : readVersion(version)
    if (values['dry-run'] === true) return tryOut(context, name!, number)
    const { terminal, client, json } = context
    const reason = textOption(values, 'reason')
    if (values.force === true && reason === undefined) throw new UsageError('--force takes a --reason')
    const before = await client.getDeployment(name!)
    const bar = progress(terminal, 'Promoting')
    bar.update('…')
    const after = await client.promote(name!, {
      ...(number === undefined ? {} : { version: number }),
      ...(reason === undefined ? {} : { reason }),
      ...(values.force === true && { force: true }),
    })
    bar.done(
      `${after.name}@${after.version.number} (${after.version.label}) serves, before @${before.version.number}`,
    )
    if (json) terminal.stdout(`${JSON.stringify(after)}\n`)
    else terminal.stderr(`Take it back:  millwright rollback ${after.name}\n`)
    return EXIT.ok
  },
}

/** Asks the rules, and changes nothing. */
async function tryOut(
  { terminal, client, json }: CliContext,
  name: string,
  version: number | undefined,
): Promise<number> {
  const { model, candidate } = await client.getDeployment(name)
  const number = version ?? candidate?.number
  if (number === undefined)
    throw new CommandError(`deployment "${name}" has no rollout under way`, [
      `millwright promote ${name} VERSION`,
    ])
  const check = await client.checkPromotion(model, number, 'production')
  if (json) terminal.stdout(`${JSON.stringify(check)}\n`)
  else terminal.stdout(checkText(check, terminal.style))
  if (!terminal.quiet && !json)
    terminal.stderr(
      check.passed
        ? `${model}@${number} may be promoted: ${check.results.length} rules hold\n`
        : `${model}@${number} may not be promoted\n`,
    )
  return check.passed ? EXIT.ok : EXIT.gate
}
