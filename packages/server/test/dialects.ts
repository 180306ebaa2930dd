import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Cell } from '@millwright/engine'
import {
  churnDeployment,
  createDataFolder,
  type Limits,
  openGateway,
  removeDataFolder,
  storeModel,
  writeSnapshot,
} from './gateway.ts'

/** Models that real servers of every dialect have served, with what their own library predicts. */

const MODELS = fileURLToPath(new URL('fixtures/models/', import.meta.url))
const FILES = { 'iris-lr': 'iris-lr.joblib', 'petal-reg': 'petal-reg.joblib', mixed: 'mixed.joblib' }

export const EXPECTED = JSON.parse(readFileSync(`${MODELS}expected.json`, 'utf8')) as Record<
  string,
  { readonly predict: Cell[]; readonly predict_proba: number[][] }
>

/** Rows of a CSV without its last column, the label. */
function readRows(file: string): { names: string[]; rows: Cell[][] } {
  const [head, ...lines] = readFileSync(`${MODELS}${file}`, 'utf8').trim().split('\n')
  const cells = (line: string): string[] => line.split(',').slice(0, -1)
  const value = (text: string): Cell => (/^-?[\d.]+$/.test(text) ? Number(text) : text)
  return { names: cells(head!), rows: lines.map((line) => cells(line).map(value)) }
}
export const IRIS = readRows('iris-rows.csv')
export const MIXED = readRows('mixed-rows.csv')

/** A gateway that serves them, and other files by their name; `iris-lr` is the default. */
export async function openDialects(limits: Limits = {}, others: Readonly<Record<string, string>> = {}) {
  const layout = await createDataFolder()
  const deployments = []
  const own = Object.entries(FILES).map(([name, file]) => [name, `${MODELS}${file}`] as const)
  for (const [name, path] of [...own, ...Object.entries(others)]) {
    const version = await storeModel(layout, path)
    const bare = { name, model: name, default: name === 'iris-lr', decision: null, respond: null }
    deployments.push(await churnDeployment(version, bare))
  }
  await writeSnapshot(layout, 1, deployments)
  const gateway = await openGateway(layout, limits)
  return {
    ...gateway,
    layout,
    async close(): Promise<void> {
      await gateway.close()
      await removeDataFolder(layout)
    },
  }
}
