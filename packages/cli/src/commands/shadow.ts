import { type Command, takeArguments, textOption, UsageError } from '../command.ts'
import { ROLLOUT_OPTIONS, ROLLOUT_USAGE, rollOut } from '../rollout.ts'

const usage = `Gives a candidate a copy of requests. Nobody waits for its answers or sees them; they are logged under the id of the live
answer, with the variant "shadow". Returns when every gateway follows.

Usage: millwright shadow DEPLOYMENT --percent PERCENT [options]

Options:
  --percent PERCENT  share of requests that are copied; 0 ends it
${ROLLOUT_USAGE}

Examples:
  millwright shadow churn --version 3 --percent 100
  millwright logs churn --variant shadow
`

export const shadow: Command = {
  usage,
  options: { ...ROLLOUT_OPTIONS, percent: { type: 'string' } },
  async run(context, values, positionals) {
    const [name] = takeArguments(positionals, 'DEPLOYMENT')
    if (textOption(values, 'percent') === undefined) throw new UsageError('missing --percent PERCENT')
    return await rollOut(context, name!, values)
  },
}
