import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { readDropped } from './dropped.ts'
import { temporaryLayout } from './testing.ts'

test('drops of all gateways are added up; one that does not answer is left out', async () => {
  const { layout, remove } = temporaryLayout()
  const servers = [2, 5].map((drops, slot) => {
    const metrics = [
      { name: 'millwright_other', values: [{ value: 9, labels: {} }] },
      {
        name: 'millwright_log_dropped_total',
        values: [
          { value: drops, labels: { reason: 'disk' } },
          { value: slot, labels: { reason: 'backlog' } },
        ],
      },
    ]
    return createServer((_, answer) => answer.end(JSON.stringify(metrics)))
  })
  mkdirSync(dirname(layout.gatewaySocket(0)), { recursive: true })
  for (const [slot, server] of servers.entries()) {
    await new Promise<void>((resolve) => server.listen(layout.gatewaySocket(slot), resolve))
  }

  const dropped = await readDropped(layout, 3)

  expect(dropped).toEqual({ disk: 7, backlog: 1 })
  for (const server of servers) server.close()
  remove()
})
