import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIdSource } from '../ids.ts'
import { layoutOf } from '../layout.ts'
import { encodeBlock, encodeShape, type RowBlock } from '../segments/block.ts'
import type { Payload } from '../segments/format.ts'
import { encodeRecord, encodeSource, type RecordRow, type RecordSource } from '../segments/record.ts'
import { createSegmentWriter } from '../segments/writer.ts'
import { openPredictionLog, type PredictionLogOptions } from './prediction-log.ts'

/** A data folder of its own, and its removal. */
export function temporaryLayout() {
  const root = mkdtempSync(join(tmpdir(), 'millwright-log-'))
  return { layout: layoutOf(root), remove: () => rmSync(root, { recursive: true, force: true }) }
}

/** Every sealed segment is due at once, and nothing happens by itself. */
export function openQuietLog(
  layout: PredictionLogOptions['layout'],
  changes: Partial<PredictionLogOptions> = {},
) {
  return openPredictionLog({
    layout,
    gateways: 1,
    retentionDays: 0,
    retentionBytes: 0,
    compactBytes: 1,
    compactMs: 0,
    lookMs: 1e8,
    log: { info: () => undefined, warn: () => undefined },
    ...changes,
  })
}

const SOURCE: RecordSource = {
  deployment: 'churn',
  model: 'churn_model',
  version: 3,
  versionLabel: 'v3',
  digest: 'a'.repeat(64),
  variant: 'stable',
  weight: null,
}

const ids = createIdSource()

/** A record with what is given, and something sensible for the rest. */
export function exampleRecord(row: Partial<RecordRow> = {}, source: Partial<RecordSource> = {}): string {
  return encodeRecord(encodeSource({ ...SOURCE, ...source }), {
    id: ids.next('prd_'),
    timeMs: Date.now(),
    featuresJson: '{"tenure":12,"plan":"monthly"}',
    outputsJson: '{"prediction":1,"probabilities":{"0":0.25,"1":0.75}}',
    decisionJson: '{"score":0.75}',
    score: 0.75,
    label: '1',
    latencyUs: 42.5,
    subject: null,
    requestId: 'req_1',
    ...row,
  })
}

/** So many rows answered together, with what is given, and something sensible for the rest. */
export function exampleBlock(rows: number, changes: Partial<RowBlock> = {}): Buffer {
  const shape = encodeShape({
    features: [{ name: 'tenure', isCell: false }],
    ...{ labelMethod: 'predict', classes: undefined },
  })
  const count = Float64Array.from({ length: rows }, (_, row) => row)
  return encodeBlock(encodeSource(SOURCE), shape, {
    ...{ timeMs: Date.now(), latencyUs: 42.5, requestId: 'req_1', ids: ids.run('prd_', rows)(0) },
    ...{ subjects: undefined, asked: undefined, scores: undefined, decisions: undefined },
    frame: { rows, numbers: count, cells: [] },
    answers: [{ name: 'predict', dtype: 'float64', list: false, parts: [{ shape: [rows], data: count }] }],
    ...changes,
  })
}

/** Writes records as a gateway does, into one sealed segment of its slot. */
export async function writeSegment(
  layout: PredictionLogOptions['layout'],
  records: readonly Payload[],
  slot = 0,
) {
  const writer = exampleWriter(join(layout.segments, String(slot)))
  for (const record of records) writer.append(record)
  await writer.close()
}

export function exampleWriter(
  folder: string,
  changes: Partial<Parameters<typeof createSegmentWriter>[0]> = {},
) {
  return createSegmentWriter({
    folder,
    flushMs: 5,
    backlogBytes: 64 << 20,
    segmentBytes: 16 << 20,
    segmentMs: 60_000,
    ...changes,
  })
}
