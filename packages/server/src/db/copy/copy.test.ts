import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../control/testing.ts'
import { openDatabase } from '../database.ts'
import { isSqlite } from '../dialect.ts'
import { MIGRATIONS, type Migrations } from '../migrate.ts'
import { hasPostgres, postgresFor } from '../testing.ts'
import { type Copy, CopyDiffers, copyDatabase, countDatabase, differs } from './copy.ts'
import { isBookkeeping } from './table.ts'

const LAST = Object.keys(MIGRATIONS).at(-1)!
/** This program, and what a later one might add to it. */
const LATER: Migrations = {
  ...MIGRATIONS,
  '0099-colours': {
    readableFrom: LAST,
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('a_colour')
        .addColumn('model', 'text', (c) => c.notNull().references('models.name'))
        .addColumn('picture', isSqlite(db) ? 'blob' : 'bytea')
        .addColumn('share', 'real')
        .execute()
    },
  },
}

describe.skipIf(!hasPostgres)('copying SQLite to PostgreSQL', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let from: string
  let to: string
  let target: pg.Client
  beforeEach(async () => {
    folder = await temporaryFolder()
    from = join(folder.path, 'millwright.db')
    to = await postgresFor(folder.path)
    target = new pg.Client(to)
    await target.connect()
  })
  afterEach(async () => {
    await target.end()
    await folder[Symbol.asyncDispose]()
  })

  const migrate = async (address: string, migrations: Migrations = MIGRATIONS): Promise<void> =>
    (await openDatabase(address, migrations)).destroy()
  /** Works on SQLite's file as no program of ours would. */
  const inSqlite = <T>(work: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(from, { enableForeignKeyConstraints: false })
    try {
      return work(db)
    } finally {
      db.close()
    }
  }
  const ask = async (query: string): Promise<unknown[]> => (await target.query(query)).rows
  const copy = (options: Partial<Copy> = {}) => copyDatabase({ from, to, ...options })

  /** One row in every table: equal values, so that whatever refers to something finds it. */
  const fillAll = (): string[] =>
    inSqlite((db) => {
      const tables = db.prepare("select name from sqlite_schema where type = 'table'").all()
      const names = tables.map(({ name }) => String(name)).filter((name) => !isBookkeeping(name))
      for (const name of names) {
        const types = db.prepare(`select type from pragma_table_info('${name}')`).all()
        const values = types.map(
          ({ type }) => ({ text: "'x'", blob: "x'00ff'" })[String(type).toLowerCase()] ?? '1',
        )
        db.exec(`insert into "${name}" values (${values.join(', ')})`)
      }
      return names.sort()
    })

  test('leaves no table out, not even one of a migration that is not written yet', async () => {
    await migrate(from, LATER)
    const names = fillAll()

    const copied = await copy({ migrations: LATER })

    expect(names).toContain('a_colour')
    expect(names).toContain('metrics')
    expect(copied.map(({ table }) => table).sort()).toEqual(names)
    expect(copied.filter((table) => table.target.rows !== 1 || differs(table))).toEqual([])
    for (const name of names) expect(await ask(`select * from "${name}"`)).toHaveLength(1)
    expect(await ask('select picture from a_colour')).toEqual([{ picture: Buffer.from([0, 255]) }])
  })

  test('keeps numbers and texts to the last bit', async () => {
    await migrate(from)
    const integers = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 0n]
    const doubles = [Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324, 0.1, 1e21, 1 / 3, Number.POSITIVE_INFINITY]
    const texts = [
      '',
      'NULL',
      '{"a",\\\\}',
      'é\u0301😀\u200f\ufeff\uffff\u{10ffff}',
      '\u0001\u007f\r\n\t \'"$1',
    ]
    inSqlite((db) => {
      for (const [at, integer] of integers.entries())
        db.prepare('insert into models (name, created_at) values (?, ?)').run(`i${at}`, integer)
      for (const [at, double] of doubles.entries())
        db.prepare('insert into metrics values (1, 1, 0, ?, ?, 0)').run(at, double)
      for (const [at, text] of texts.entries())
        db.prepare('insert into model_tags values (?, ?, ?)').run('m', `t${at}`, text)
    })

    await copy()

    const stored = await ask('select created_at::text as of from models order by name')
    expect(stored).toEqual(integers.map((integer) => ({ of: String(integer) })))
    expect(await ask('select value from metrics order by step')).toEqual(doubles.map((value) => ({ value })))
    expect(await ask('select value from model_tags order by key')).toEqual(texts.map((value) => ({ value })))
    expect(await ask('select distinct description from models')).toEqual([{ description: null }])
  })

  test('compares rows of a table without a key, whatever is missing in them', async () => {
    await migrate(from, LATER)
    inSqlite((db) => {
      for (const [picture, share] of [
        [null, 2],
        ["x'01'", null],
        [null, null],
        ["x''", 1],
        ["x''", 1],
      ])
        db.exec(`insert into a_colour values ('m', ${picture}, ${share})`)
      db.exec("insert into models (name, created_at) values ('m', 1)")
    })

    const copied = await copy({ migrations: LATER })

    expect(copied.find(({ table }) => table === 'a_colour')?.target.rows).toBe(5)
  })

  test('keeps any text, in any number of rows', async () => {
    await migrate(from)
    const texts = fc.sample(fc.string({ unit: 'binary', maxLength: 50 }), 12_000)
    const storable = [...new Set(texts.map((text) => text.replaceAll('\0', '')))]
    inSqlite((db) => {
      const insert = db.prepare('insert into model_tags values (?, ?, ?)')
      db.exec('begin')
      for (const text of storable) insert.run('m', text, text)
      db.exec('commit')
    })

    await copy()

    const rows = (await ask('select key, value from model_tags')) as { key: string; value: string }[]
    expect(rows.filter(({ key, value }) => key !== value)).toEqual([])
    expect(new Set(rows.map(({ key }) => key))).toEqual(new Set(storable))
  })

  test('the next number of what the database counts is behind the largest', async () => {
    await migrate(from)
    inSqlite((db) => db.exec("insert into metric_keys values (41, 'auc'), (7, 'loss')"))

    await copy()
    await target.query("insert into metric_keys (name) values ('next')")
    await target.query("insert into events (at, type, subject, by_whom, data) values (1, '', '', '', '')")

    expect(await ask('select id::int from metric_keys order by id')).toEqual([
      { id: 7 },
      { id: 41 },
      { id: 42 },
    ])
    expect(await ask('select id::int from events')).toEqual([{ id: 1 }])
  })

  test('does not touch the file, nor what a server that was killed left beside it', async () => {
    await migrate(from)
    fillAll()
    const db = new DatabaseSync(from)
    db.exec("pragma wal_autocheckpoint = 0; insert into models (name, created_at) values ('in the log', 1)")
    const digests = () =>
      [from, `${from}-wal`].map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'))
    const before = digests()

    const copied = await copy()

    expect(digests()).toEqual(before)
    expect(copied.find(({ table }) => table === 'models')?.target.rows).toBe(2)
    db.close()
  })

  test('counts what there is, and changes nothing', async () => {
    await migrate(from)
    const names = fillAll()

    const counted = await countDatabase({ from, to })

    expect(counted).toEqual(names.map((table) => ({ table, rows: 1 })))
    expect(await ask("select from pg_tables where schemaname = 'public'")).toEqual([])
  })

  test('an older schema is copied as it is, and brought up to date by the start that follows', async () => {
    await migrate(from)
    fillAll()

    await copy({ migrations: LATER })
    await migrate(to, LATER)

    expect(await ask('select name from models')).toEqual([{ name: 'x' }])
    expect(await ask('select count(*)::int as rows from a_colour')).toEqual([{ rows: 0 }])
  })

  describe('keeps nothing', () => {
    const nothingIsKept = async (): Promise<void> => {
      for (const table of ['models', 'metrics', 'metric_keys'])
        expect(await ask(`select * from ${table}`)).toEqual([])
      await target.query("insert into metric_keys (name) values ('first')")
      expect(await ask('select id::int from metric_keys')).toEqual([{ id: 1 }])
    }
    const trigger = (body: string): Promise<unknown> =>
      target.query(`create function meddle() returns trigger language plpgsql as $$ begin ${body} end $$;
        create trigger meddle before insert on metrics for each row execute function meddle()`)

    test.each([
      ['a value is another', 'new.value := new.value + 1; return new;', 2],
      ['a row is missing', 'if new.step = 2 then return null; end if; return new;', 1],
    ])('when %s', async (_, body, rows) => {
      await migrate(from)
      fillAll()
      inSqlite((db) => db.exec('insert into metrics values (1, 1, 1, 2, 0.5, 0)'))
      await migrate(to)
      await trigger(body)

      const failure = (await copy().catch((error: unknown) => error)) as CopyDiffers

      expect(failure).toBeInstanceOf(CopyDiffers)
      expect(failure.message).toBe('what was written is not what was read in metrics; nothing was kept')
      expect(failure.tables.filter(differs)).toEqual([
        expect.objectContaining({ table: 'metrics', source: expect.objectContaining({ rows: 2 }) }),
      ])
      expect(failure.tables.find(differs)?.target.rows).toBe(rows)
      await nothingIsKept()
    })

    test.each([
      [
        'a text that PostgreSQL cannot hold',
        "insert into models (name, created_at) values ('z' || char(0), 1)",
        'table models: a text holds the character U+0000 (NUL), which no text here may hold; leave it out; nothing was kept',
      ],
      [
        'something else than its column is of',
        'insert into metrics values (1, 1, 1, 1.5, 0.5, 0)',
        'table metrics: column step: "1.5" is no value of type int8; nothing was kept',
      ],
      [
        'what refers to nothing',
        "insert into params values (99, 'depth', '3')",
        'table params: insert or update on table "params" violates foreign key constraint "params_run_fkey"; nothing was kept',
      ],
    ])('at %s', async (_, statement, words) => {
      await migrate(from)
      fillAll()
      inSqlite((db) => db.exec(statement))

      await expect(copy()).rejects.toThrow(words)

      await nothingIsKept()
    })
  })

  describe('is refused', () => {
    test.each<[string, () => Promise<unknown>, RegExp]>([
      [
        'where there are rows',
        async () => {
          await migrate(to)
          await target.query("insert into models (name, created_at) values ('mine', 1)")
        },
        /^postgres:\/\/127\.0\.0\.1:\d+\/test_\w+ is not empty: there are rows in models; take a new database \(createdb\)$/,
      ],
      [
        'where something else is kept',
        () => target.query('create table wages (id int)'),
        / has tables of something else: wages; take a database of its own \(createdb\)$/,
      ],
      [
        'to a newer schema',
        () => migrate(to, LATER),
        / has a newer schema \(0099-colours\) than the data folder \(\d{4}-[\w-]+\); take a new database, or /,
      ],
    ])('%s', async (_, prepare, words) => {
      await migrate(from)
      await prepare()
      const before = await ask('select tablename from pg_tables order by tablename')

      await expect(copy()).rejects.toThrow(words)
      await expect(countDatabase({ from, to })).rejects.toThrow(words)

      expect(await ask('select tablename from pg_tables order by tablename')).toEqual(before)
    })

    test('from a file of a newer program, one that was never used, and none', async () => {
      await expect(copy()).rejects.toThrow(
        /^there is no database \S+millwright\.db: nothing was kept in SQLite/,
      )
      inSqlite((db) => db.exec('pragma user_version = 0'))
      await expect(copy()).rejects.toThrow(/was never used: there is nothing to copy$/)
      await migrate(from, LATER)
      await expect(copy()).rejects.toThrow(/written by a newer Millwright \(schema 0099-colours\)/)
    })

    test('when another copy was there first', async () => {
      await migrate(from)
      fillAll()

      const both = await Promise.allSettled([copy(), copy()])

      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { message: expect.stringMatching(/is not empty: there are rows in /) },
      })
    })
  })

  test('keeps sorting and comparing as it was: an index of the target is as SQLite would have it', async () => {
    await migrate(from)
    inSqlite((db) => {
      for (const name of ['b', 'B', 'a', 'é', 'Z', '_', '\u{1f600}', '\uffff'])
        db.prepare('insert into models (name, created_at) values (?, 1)').run(name)
    })
    const sorted = inSqlite((db) => db.prepare('select name from models order by name').all())

    await copy()
    const db = await openDatabase(to)
    const { rows } = await sql`select name from models order by name`.execute(db)
    await db.destroy()

    expect(rows).toEqual(sorted.map((row) => ({ ...row })))
  })
})
