import { open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBValue,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api'
import { decodeRows } from '../segments/block.ts'
import { readSegment } from '../segments/reader.ts'
import type { LoggedRow } from '../segments/record.ts'
import type { AnalyticsWork, Compacted, StagedFile } from './analytics-protocol.ts'
import { HOUR_MS, partitionPath } from './partitions.ts'
import { EQUAL_COLUMNS, type RowQuery } from './row-query.ts'

/** Everything that needs DuckDB. Loaded in the analytics process only: it is 90 MB. */
export type Parquet = {
  [K in keyof AnalyticsWork]: (ask: AnalyticsWork[K]['ask']) => Promise<AnalyticsWork[K]['answer']>
}

const MEMORY_LIMIT = '192MB'
/** Small groups of rows let a search for the newest few skip most of a file. */
const ROW_GROUP_ROWS = 8192
/** Rows handed to DuckDB at a time. */
const FLUSH_ROWS = 16_384

/** Columns of a file: name, type, and where in a row the value is. */
const COLUMNS: readonly {
  name: string
  type: 'bigint' | 'integer' | 'double' | 'varchar'
  field: keyof LoggedRow
}[] = [
  { name: 'id', type: 'varchar', field: 'id' },
  { name: 'time_ms', type: 'bigint', field: 'timeMs' },
  { name: 'deployment', type: 'varchar', field: 'deployment' },
  { name: 'model', type: 'varchar', field: 'model' },
  { name: 'version', type: 'integer', field: 'version' },
  { name: 'version_label', type: 'varchar', field: 'versionLabel' },
  { name: 'digest', type: 'varchar', field: 'digest' },
  { name: 'variant', type: 'varchar', field: 'variant' },
  { name: 'weight', type: 'double', field: 'weight' },
  { name: 'features', type: 'varchar', field: 'featuresJson' },
  { name: 'outputs', type: 'varchar', field: 'outputsJson' },
  { name: 'decision', type: 'varchar', field: 'decisionJson' },
  { name: 'score', type: 'double', field: 'score' },
  { name: 'label', type: 'varchar', field: 'label' },
  { name: 'latency_us', type: 'double', field: 'latencyUs' },
  { name: 'subject', type: 'varchar', field: 'subject' },
  { name: 'request_id', type: 'varchar', field: 'requestId' },
]

/** Files written before a column was there are without it. */
const SOURCE =
  '(select * from read_parquet($files, hive_partitioning = false, union_by_name = true) ' +
  'union all by name select null::double as weight where false)'
const TO_PARQUET = `(format parquet, compression zstd, row_group_size ${ROW_GROUP_ROWS})`

/** Opens DuckDB in memory. It can reach no file outside `folders`. */
export async function openParquet(folders: readonly string[], spillFolder: string): Promise<Parquet> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: MEMORY_LIMIT,
    temp_directory: spillFolder,
  })
  const connection = await instance.connect()
  await connection.run(`set allowed_directories = [${folders.map(quoted).join(', ')}]`)
  await connection.run('set enable_external_access = false')
  await connection.run('set lock_configuration = true')
  const withConnection = async <T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
    const own = await instance.connect()
    try {
      return await work(own)
    } finally {
      own.closeSync()
    }
  }
  return {
    compact: (ask) => withConnection((own) => compact(own, ask)),
    merge: (ask) => withConnection((own) => merge(own, ask)),
    find: (ask) => withConnection((own) => find(own, ask)),
  }
}

const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`

async function compact(
  connection: DuckDBConnection,
  ask: AnalyticsWork['compact']['ask'],
): Promise<Compacted> {
  const read = await readIntoBatch(connection, ask.segments)
  const files: StagedFile[] = []
  for (const partition of read.partitions)
    files.push(await writePartition(connection, partition, { ...ask, name: `${files.length}.parquet` }))
  await connection.run('drop table batch')
  return { files, lostBytes: read.lostBytes, malformed: read.malformed }
}

/** Rows of one deployment and hour. */
type Partition = {
  readonly deployment: string
  readonly hour: number
  rows: number
  minMs: number
  maxMs: number
}

/** Rows go to DuckDB block by block: a segment has several hundred thousand, and DuckDB can put them on disk. */
async function readIntoBatch(connection: DuckDBConnection, segments: readonly string[]) {
  const columns = COLUMNS.map((column) => `${column.name} ${column.type}`).join(', ')
  await connection.run(`create or replace temp table batch (${columns})`)
  const appender = await connection.createAppender('batch', null, 'temp')
  const partitions = new Map<string, Partition>()
  let lostBytes = 0
  let malformed = 0
  let waiting = 0
  for (const path of segments) {
    const segment = await readSegment(path)
    lostBytes += segment.lostBytes
    for (const payload of segment.payloads) {
      const rows = decodeRows(payload)
      if (rows === undefined) malformed += 1
      for (const row of rows ?? []) {
        appendRow(appender, row)
        countIn(partitions, row)
      }
      waiting += rows?.length ?? 0
      if (waiting < FLUSH_ROWS) continue
      appender.flushSync()
      waiting = 0
    }
  }
  appender.closeSync()
  return { partitions: [...partitions.values()], lostBytes, malformed }
}

function countIn(partitions: Map<string, Partition>, { deployment, timeMs }: LoggedRow): void {
  const hour = Math.floor(timeMs / HOUR_MS)
  const key = `${deployment} ${hour}`
  const partition = partitions.get(key) ?? { deployment, hour, rows: 0, minMs: timeMs, maxMs: timeMs }
  partition.rows += 1
  partition.minMs = Math.min(partition.minMs, timeMs)
  partition.maxMs = Math.max(partition.maxMs, timeMs)
  partitions.set(key, partition)
}

type Destination = { readonly staging: string; readonly name: string; readonly id: string }

async function writePartition(
  connection: DuckDBConnection,
  { deployment, hour, rows, minMs, maxMs }: Partition,
  { staging, name, id }: Destination,
): Promise<StagedFile> {
  const path = join(staging, name)
  const query =
    'select * from batch where deployment = $deployment and time_ms >= $since and time_ms < $until order by time_ms, id'
  const [since, until] = [BigInt(hour * HOUR_MS), BigInt((hour + 1) * HOUR_MS)]
  await connection.run(`copy (${query}) to $path ${TO_PARQUET}`, { deployment, since, until, path })
  await syncFile(path)
  return { name, target: partitionPath(deployment, { minMs, maxMs }, id), rows }
}

function appendRow(appender: DuckDBAppender, row: LoggedRow): void {
  for (const { type, field } of COLUMNS) {
    const value = row[field]
    if (value === null) appender.appendNull()
    else if (type === 'varchar') appender.appendVarchar(value as string)
    else if (type === 'double') appender.appendDouble(value as number)
    else if (type === 'integer') appender.appendInteger(value as number)
    else appender.appendBigInt(BigInt(value))
  }
  appender.endRow()
}

async function merge(connection: DuckDBConnection, ask: AnalyticsWork['merge']['ask']): Promise<StagedFile> {
  const name = 'merged.parquet'
  const path = join(ask.staging, name)
  const files = listValue([...ask.files])
  const query = `copy (select * from ${SOURCE} order by time_ms, id) to $path ${TO_PARQUET}`
  await connection.run(query, { files, path }, { files: LIST(VARCHAR) })
  const summary = await connection.runAndReadAll(
    'select count(*)::double, min(time_ms)::double, max(time_ms)::double from read_parquet($path)',
    { path },
  )
  const [rows, minMs, maxMs] = summary.getRows()[0] as [number, number, number]
  await syncFile(path)
  return { name, target: partitionPath(ask.deployment, { minMs, maxMs }, ask.id), rows }
}

async function find(
  connection: DuckDBConnection,
  { files, query }: AnalyticsWork['find']['ask'],
): Promise<LoggedRow[]> {
  const { where, values } = conditionsOf(query)
  const columns = COLUMNS.map(({ name, type, field }) =>
    type === 'bigint' ? `${name}::double as "${field}"` : `${name} as "${field}"`,
  )
  const result = await connection.runAndReadAll(
    `select ${columns.join(', ')} from ${SOURCE} where ${where} order by time_ms desc, id desc limit $limit`,
    { ...values, files: listValue([...files]), limit: query.limit },
    { files: LIST(VARCHAR) },
  )
  return result.getRowObjects() as unknown as LoggedRow[]
}

function conditionsOf(query: RowQuery): { where: string; values: Record<string, DuckDBValue> } {
  const conditions = ['time_ms >= $since', 'time_ms < $until']
  const values: Record<string, DuckDBValue> = { since: BigInt(query.sinceMs), until: BigInt(query.untilMs) }
  for (const { field, column } of EQUAL_COLUMNS) {
    const value = query[field]
    if (value === undefined) continue
    conditions.push(`${column} = $${column}`)
    values[column] = value
  }
  if (query.before !== undefined) {
    conditions.push('time_ms <= $beforeTime', '(time_ms < $beforeTime or id < $beforeId)')
    values.beforeTime = BigInt(query.before.timeMs)
    values.beforeId = query.before.id
  }
  return { where: conditions.join(' and '), values }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
