import { rmSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

/** Another program at a database file, until it is killed: copies it, reads it, empties its log, and writes to it. */
const [, , path = ''] = process.argv
const db = new DatabaseSync(path, { timeout: 5_000 })
for (let turn = 0; ; turn++) {
  await backup(db, `${path}.copy`, { rate: 20 })
  rmSync(`${path}.copy`, { force: true })
  db.exec('begin')
  db.prepare('select count(*) from runs').get()
  await sleep(20)
  db.exec('commit')
  db.exec('pragma wal_checkpoint(truncate)')
  db.exec('begin immediate')
  await sleep(20)
  db.exec('rollback')
  process.send?.(turn)
}
