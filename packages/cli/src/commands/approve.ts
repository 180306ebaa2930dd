import { type Command, EXIT, textOption } from '../command.ts'
import { readVersion, splitName } from '../version-name.ts'

const usage = `Approves a version of a model, in your name or that of the key. Rules may ask for approvals; whoever made a version does not count.

Usage: millwright approve MODEL VERSION [--reason TEXT]
       millwright approve MODEL@VERSION

Examples:
  millwright approve churn@3 --reason "checked by segment, no group is worse off"
`

export const approve: Command = {
  usage,
  options: { reason: { type: 'string' } },
  async run({ terminal, client, json }, values, positionals) {
    const [model, version] = splitName(positionals, 'MODEL', 'VERSION')
    const reason = textOption(values, 'reason')
    const approval = await client.approve(
      model!,
      readVersion(version!),
      reason === undefined ? {} : { reason },
    )
    if (json) terminal.stdout(`${JSON.stringify(approval)}\n`)
    else if (!terminal.quiet)
      terminal.stderr(
        `${terminal.style.good('✔')} ${model}@${approval.version} is approved by ${approval.by}\n`,
      )
    return EXIT.ok
  },
}
