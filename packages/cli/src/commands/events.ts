import { type Command, countOption, takeArguments, textOption } from '../command.ts'
import { formatAge, printable, table } from '../terminal.ts'

const usage = `Lists what was changed, newest first: who, when, what.

Usage: millwright events [--type TYPE] [--subject SUBJECT] [--limit N] [--json]

Options:
  --type TYPE        only such ones: deployment.promoted, key.created …
  --subject SUBJECT  only what happened to one thing: deployments/churn, keys/key_8fK2mQ1x …
  --limit N          so many (default 20, at most 500)

Examples:
  millwright events
  millwright events --subject deployments/churn --json
`

export const events: Command = {
  usage,
  options: { type: { type: 'string' }, subject: { type: 'string' }, limit: { type: 'string' } },
  async run({ terminal, client, json }, values, positionals) {
    takeArguments(positionals)
    const type = textOption(values, 'type')
    const subject = textOption(values, 'subject')
    const page = await client.listEvents({
      limit: countOption(values, 'limit') ?? 20,
      ...(type !== undefined && { type }),
      ...(subject !== undefined && { subject }),
    })
    if (json) terminal.stdout(`${JSON.stringify(page)}\n`)
    else {
      const rows = page.data.map(({ at, type: what, subject: of, by, data }) => [
        formatAge(at),
        what,
        printable(of),
        printable(by),
        printable(String(data.reason ?? '')),
      ])
      terminal.stdout(table(rows, terminal.style, ['WHEN', 'WHAT', 'OF', 'BY', 'REASON']))
    }
    return 0
  },
}
