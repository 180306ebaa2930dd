import { type Command, takeArguments, textOption, UsageError } from '../command.ts'
import { ROLLOUT_OPTIONS, ROLLOUT_USAGE, rollOut } from '../rollout.ts'

const usage = `Lets a candidate answer a share of customers, devices … beside the version that serves. Who is answered by it stays with
it while the share grows. Weight 0 loads and warms it without traffic. Returns when every gateway follows.

Usage: millwright canary DEPLOYMENT --weight PERCENT [options]

Options:
  --weight PERCENT   share of units that the candidate answers; fractions count
${ROLLOUT_USAGE}

Examples:
  millwright canary churn --version 3 --weight 5 --unit customer_id
  millwright canary churn --weight 25
  millwright canary churn --version 3 --weight 0        # blue-green: then "millwright promote churn"
`

export const canary: Command = {
  usage,
  options: { ...ROLLOUT_OPTIONS, weight: { type: 'string' } },
  async run(context, values, positionals) {
    const [name] = takeArguments(positionals, 'DEPLOYMENT')
    if (textOption(values, 'weight') === undefined) throw new UsageError('missing --weight PERCENT')
    return await rollOut(context, name!, values)
  },
}
