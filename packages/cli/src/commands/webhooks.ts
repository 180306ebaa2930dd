import type { Webhook, WebhookDelivery } from '@millwright/contracts'
import { type CliContext, type Command, takeArguments, UsageError } from '../command.ts'
import { formatAge, printable, type Style, table } from '../terminal.ts'

const usage = `Shows who is told of changes of the registry, and what did not arrive.

Usage: millwright webhooks list
       millwright webhooks deliveries WEBHOOK
       millwright webhooks replay WEBHOOK DELIVERY

Webhooks are made with MLflow's client: MlflowClient().create_webhook(…).

Examples:
  millwright webhooks list
  millwright webhooks deliveries 5d3a41f0-83a4-44fd-a4ab-b5b7d0ac3a3e
`

type Verb = (context: CliContext, positionals: readonly string[]) => Promise<unknown>

export const webhooks: Command = {
  usage,
  options: {},
  async run(context, _values, [verb = 'list', ...positionals]) {
    const work = VERBS[verb]
    if (work === undefined)
      throw new UsageError(`webhooks takes ${Object.keys(VERBS).join(', ')}, got ${JSON.stringify(verb)}`)
    const document = await work(context, positionals)
    if (context.json) context.terminal.stdout(`${JSON.stringify(document)}\n`)
    return 0
  },
}

const VERBS: Readonly<Record<string, Verb>> = {
  async list({ client, json, terminal }, positionals) {
    takeArguments(positionals)
    const page = await client.listWebhooks({ limit: 500 })
    if (!json) terminal.stdout(webhookTable(page.data, terminal.style))
    return page
  },
  async deliveries({ client, json, terminal }, positionals) {
    const [webhook] = takeArguments(positionals, 'WEBHOOK')
    const page = await client.listDeliveries(webhook!, { limit: 500 })
    if (!json) terminal.stdout(deliveryTable(page.data, terminal.style))
    return page
  },
  async replay({ client, terminal }, positionals) {
    const [webhook, id] = takeArguments(positionals, 'WEBHOOK', 'DELIVERY')
    const delivery = await client.replayDelivery(webhook!, id!)
    terminal.stderr(`${terminal.style.good('✔')} ${delivery.event} is sent again\n`)
    return delivery
  },
}

const webhookTable = (data: readonly Webhook[], style: Style): string =>
  table(
    data.map(({ id, name, url, status, events }) => [
      ...[id, printable(name), status === 'ACTIVE' ? style.good('active') : style.warn('disabled')],
      ...[printable(url), events.join(' ')],
    ]),
    style,
    ['ID', 'NAME', 'STATUS', 'URL', 'EVENTS'],
  )

const STATES = { WAITING: 'warn', DELIVERED: 'good', DEAD: 'bad' } as const

const deliveryTable = (data: readonly WebhookDelivery[], style: Style): string =>
  table(
    data.map(({ id, event, state, attempts, created_at, error }) => [
      ...[id, event, style[STATES[state]](state.toLowerCase()), `${attempts}`],
      ...[formatAge(created_at), error ?? ''],
    ]),
    style,
    ['ID', 'EVENT', 'STATE', 'ATTEMPTS', 'CREATED', 'ERROR'],
  )
