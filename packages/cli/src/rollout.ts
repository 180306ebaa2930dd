import type { Deployment, RollOut } from '@millwright/contracts'
import { type CliContext, countOption, percentOption, textOption, type Values } from './command.ts'
import { progress } from './terminal.ts'

/** Options of the commands that start or change a rollout. */
export const ROLLOUT_OPTIONS = {
  version: { type: 'string' },
  unit: { type: 'string' },
  'unit-header': { type: 'string' },
  salt: { type: 'string' },
  reason: { type: 'string' },
} as const

export const ROLLOUT_USAGE = `  --version N        the candidate; not needed to change the rollout under way
  --unit COLUMN      column of the row that says whom it is about, where neither header nor subject does
  --unit-header NAME header that says it                     (default: X-Millwright-Unit)
  --salt TEXT        another salt divides the units anew     (default: DEPLOYMENT-VERSION)
  --reason TEXT      recorded with the change`

/** Starts or changes a rollout as the options say, and tells how requests are divided then. */
export async function rollOut(
  { client, terminal, json }: CliContext,
  name: string,
  values: Values,
): Promise<number> {
  const bar = progress(terminal, 'Rolling out')
  bar.update('…')
  const after = await client.rollOut(name, bodyOf(values))
  bar.done(`${after.name}  ${variantsOf(after)}`)
  if (json) terminal.stdout(`${JSON.stringify(after)}\n`)
  else
    terminal.stderr(
      `All of it:  millwright promote ${after.name}\nNone of it:  millwright abort ${after.name}\n`,
    )
  return 0
}

function bodyOf(values: Values): RollOut {
  const [column, header] = [textOption(values, 'unit'), textOption(values, 'unit-header')]
  const unit = { ...(column !== undefined && { column }), ...(header !== undefined && { header }) }
  return {
    version: countOption(values, 'version'),
    weight: percentOption(values, 'weight'),
    shadow: percentOption(values, 'percent'),
    salt: textOption(values, 'salt'),
    reason: textOption(values, 'reason'),
    ...(Object.keys(unit).length > 0 && { unit }),
  }
}

/** `@2 (v2) 95 %, @3 (v3) 5 %, shadow of 100 %` */
export function variantsOf({ version, candidate, revision }: Deployment): string {
  const { rollout } = revision.config
  if (candidate === null || rollout === undefined) return `@${version.number} (${version.label})`
  const shadow = rollout.shadow === 0 ? '' : `, shadow of ${rollout.shadow} %`
  const rest = Number((100 - rollout.weight).toPrecision(12))
  return `@${version.number} (${version.label}) ${rest} %, @${candidate.number} (${candidate.label}) ${rollout.weight} %${shadow}`
}
