import type { Revision, Status } from '@millwright/contracts'
import { type Command, takeArguments } from '../command.ts'
import { formatAge, formatBytes, printable, type Terminal, table } from '../terminal.ts'

const usage = `Says what serves now, and how the server is.

Usage: millwright status [DEPLOYMENT] [--json]

Examples:
  millwright status
  millwright status churn --json
`

export const status: Command = {
  usage,
  options: {},
  async run({ terminal, client, url, json }, _values, positionals) {
    const [name] = takeArguments(positionals, 'DEPLOYMENT?')
    if (name !== undefined) return await showDeployment({ terminal, client, json, name })
    const answer = await client.getStatus()
    if (json) terminal.stdout(`${JSON.stringify(answer)}\n`)
    else show(terminal, url, answer)
    return 0
  },
}

const WORDS = { serving: 'good', loading: 'warn', lost: 'bad' } as const

function show(terminal: Terminal, url: string, answer: Status): void {
  const { style, stdout, stderr } = terminal
  const deployments = answer.deployments.map((deployment) => {
    const { revision, model } = deployment
    return [
      style.bold(deployment.name) + (deployment.default ? style.dim(' (default)') : ''),
      `${model}@${deployment.version.number}${besideOf(revision)}`,
      deployment.version.label,
      `${revision.action.replace('_', ' ')} ${formatAge(revision.at)} by ${printable(revision.by)}`,
      printable(revision.reason ?? ''),
    ]
  })
  if (deployments.length === 0) stdout('Nothing is deployed.\n')
  else stdout(table(deployments, style, ['DEPLOYMENT', 'SERVES', 'VERSION', 'SINCE', 'REASON']))
  const gateways = answer.gateways.map(
    (gateway) =>
      `${style[WORDS[gateway.state]](gateway.state)} ${gateway.id} (pid ${gateway.pid}, epoch ${gateway.epoch})`,
  )
  stderr(
    `\n${url}  Millwright ${answer.version}, up since ${formatAge(answer.started_at)}, epoch ${answer.epoch}\n`,
  )
  stderr(`Gateways: ${gateways.join(', ') || style.bad('none')}\n`)
  const dropped = Object.entries(answer.log.dropped).filter(([, count]) => count > 0)
  const drops = dropped.map(([reason, count]) => `${count} (${reason})`).join(', ')
  stderr(
    `Prediction log: ${formatBytes(answer.log.bytes)}, ${drops === '' ? 'nothing dropped' : style.bad(`dropped ${drops}`)}\n`,
  )
  if (deployments.length === 0) stderr('Next:  millwright deploy MODEL_FILE\n')
}

/** What answers beside the version that serves: ` + @3 5 %, shadow 100 %, v1 @2`. */
function besideOf({ config: { rollout, unloaded, pins = {} } }: Revision): string {
  if (unloaded) return ' unloaded'
  const shadow = rollout === undefined || rollout.shadow === 0 ? '' : `, shadow ${rollout.shadow} %`
  const candidate = rollout === undefined ? '' : ` + @${rollout.version} ${rollout.weight} %${shadow}`
  const pinned = Object.entries(pins).map(
    ([pin, to]) => `, ${pin} @${'version' in to ? to.version : to.alias}`,
  )
  return candidate + pinned.join('')
}

type One = Pick<Parameters<Command['run']>[0], 'terminal' | 'client' | 'json'> & { readonly name: string }

async function showDeployment({ terminal, client, json, name }: One): Promise<number> {
  const [deployment, revisions] = await Promise.all([client.getDeployment(name), client.listRevisions(name)])
  if (json) {
    terminal.stdout(`${JSON.stringify({ ...deployment, revisions: revisions.data })}\n`)
    return 0
  }
  const rows = revisions.data.map((revision) => [
    revision.revision === deployment.revision.revision ? terminal.style.good('●') : ' ',
    String(revision.revision),
    `${deployment.model}@${revision.config.version}${besideOf(revision)}`,
    revision.action.replace('_', ' ') +
      (revision.restores === null ? '' : ` (restores ${revision.restores})`),
    formatAge(revision.at),
    printable(revision.by),
    printable(revision.reason ?? ''),
  ])
  terminal.stdout(table(rows, terminal.style, ['', 'REVISION', 'SERVES', 'ACTION', 'WHEN', 'BY', 'REASON']))
  return 0
}
