import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, ClientError } from '@millwright/client'
import type { CellValue } from '@millwright/contracts'
import { type Command, CommandError, textOption, UsageError, type Values } from '../command.ts'
import { exampleFolder } from '../package-root.ts'
import { readRows, recordsOf } from '../rows.ts'
import type { Terminal } from '../terminal.ts'
import { deploy } from './deploy.ts'

const usage = `Sends the churn example realistic traffic: real customers of examples/churn, busier and quieter by the second.
Deploys the example first when it is not there.

Usage: millwright demo [options]

Options:
  --rate N           predictions a second, on average (default 20)
  --seconds N        how long (default 30; 0: until interrupted)

Examples:
  millwright demo
  millwright demo --rate 200 --seconds 0
`

export const demo: Command = {
  usage,
  options: { rate: { type: 'string' }, seconds: { type: 'string' } },
  async run(context, values) {
    const { terminal, client, json } = context
    const rate = numberOption(values, 'rate', { absent: 20, least: 0.1, most: 5_000 })
    const seconds = numberOption(values, 'seconds', { absent: 30, least: 0, most: 1e9 })
    if (!(await isDeployed(client)))
      await deploy.run({ ...context, json: true, terminal: silentStdout(terminal) }, {}, [exampleFolder()])
    const customers = await readCustomers()
    const tally = await sendTraffic({ client, terminal, customers, rate, seconds })
    if (json) terminal.stdout(`${JSON.stringify(tally)}\n`)
    else terminal.stdout(`${tally.sent} predictions, ${tally.positive} would churn, ${tally.failed} failed\n`)
    terminal.stderr('See them:  millwright logs churn   or   millwright status\n')
    return tally.failed > 0 ? 1 : 0
  },
}

type Range = { readonly absent: number; readonly least: number; readonly most: number }

function numberOption(values: Values, name: string, { absent, least, most }: Range): number {
  const number = Number(textOption(values, name) ?? absent)
  if (number >= least && number <= most) return number
  throw new UsageError(
    `--${name} takes a number from ${least} to ${most}, got ${JSON.stringify(values[name])}`,
  )
}

async function isDeployed(client: Client): Promise<boolean> {
  try {
    await client.getDeployment('churn')
    return true
  } catch (error) {
    if (error instanceof ClientError && error.status === 404) return false
    throw error
  }
}

const silentStdout = (terminal: Terminal): Terminal => ({ ...terminal, stdout: () => undefined })

async function readCustomers(): Promise<Record<string, CellValue>[]> {
  const table = await readRows(join(exampleFolder(), 'customers.csv'))
  return recordsOf(table).map((row) => {
    const { churned: _, customer_id, ...features } = row
    return {
      customer_id: customer_id!,
      ...Object.fromEntries(Object.entries(features).map(([name, value]) => [name, Number(value)])),
    }
  })
}

type Traffic = {
  readonly client: Client
  readonly terminal: Terminal
  readonly customers: readonly Record<string, CellValue>[]
  readonly rate: number
  readonly seconds: number
}
type Tally = { sent: number; positive: number; failed: number }

/** Every tenth of a second, as many requests as are due; the rate swings by half over a minute, as real traffic does. */
async function sendTraffic({ client, terminal, customers, rate, seconds }: Traffic): Promise<Tally> {
  const tally: Tally = { sent: 0, positive: 0, failed: 0 }
  const pending = new Set<Promise<void>>()
  const startedAt = performance.now()
  let due = 0
  for (;;) {
    const elapsed = (performance.now() - startedAt) / 1000
    if (seconds > 0 && elapsed >= seconds) break
    due += rate * (1 + 0.5 * Math.sin((elapsed / 60) * 2 * Math.PI)) * 0.1
    for (; due >= 1; due--) {
      const request = predictOne(client, customers[Math.floor(Math.random() * customers.length)]!, tally)
      pending.add(request)
      request.finally(() => pending.delete(request)).catch(() => undefined)
    }
    if (terminal.interactive)
      terminal.stderr(
        `\r\u001b[2K  ${tally.sent} sent, ${tally.positive} would churn, ${tally.failed} failed`,
      )
    await sleep(100)
  }
  await Promise.all(pending)
  if (terminal.interactive) terminal.stderr('\r\u001b[2K')
  return tally
}

async function predictOne(client: Client, customer: Record<string, CellValue>, tally: Tally): Promise<void> {
  const { customer_id, ...row } = customer
  try {
    const answer = await client.predict('churn', { row, subject: String(customer_id) })
    tally.sent++
    if (answer.prediction?.prediction === 1) tally.positive++
  } catch (error) {
    if (!(error instanceof ClientError)) throw new CommandError(String(error))
    tally.failed++
  }
}
