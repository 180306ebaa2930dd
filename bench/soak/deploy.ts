import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = new URL('../..', import.meta.url).pathname
const MODELS = join(ROOT, 'examples/churn/models')
const NET = join(ROOT, 'packages/engine/test/fixtures/onnx/torch-perceptron/model.onnx')

/** The command lines of a person that puts four deployments into place, beside the churn example that is there. */
const COMMANDS: readonly (readonly string[])[] = [
  // Trees: version 2, promoted and taken back all the time.
  ['deploy', join(MODELS, 'churn_model_v3.pkl'), '--name', 'churn', '--no-promote'],
  ['deploy', NET, '--name', 'net'],
  ['deploy', join(MODELS, 'churn_model_v3.pkl'), '--name', 'remembered'],
  // Fewer than the rows that are asked about: answers are dropped and computed again.
  ['configure', 'remembered', '--cache', 'ttl=60,max=100'],
  ['deploy', join(MODELS, 'churn_model_v2.pkl'), '--name', 'gradual'],
  ['deploy', join(MODELS, 'churn_model_v3.pkl'), '--name', 'gradual', '--no-promote'],
  ['canary', 'gradual', '--version', '2', '--weight', '20'],
  ['shadow', 'gradual', '--percent', '100'],
]

/** @throws Error with what the command line said */
export async function deployAll(port: number): Promise<void> {
  const env = { ...process.env, MILLWRIGHT_URL: `http://127.0.0.1:${port}`, NO_COLOR: '1' }
  for (const args of COMMANDS)
    await promisify(execFile)(process.execPath, [join(ROOT, 'bin/millwright.js'), ...args], { env })
}

/** Lets the other version of the churn example serve. */
export async function swap(port: number, turn: number): Promise<number> {
  const { status } = await fetch(`http://127.0.0.1:${port}/api/v1/deployments/churn/promote`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ version: 2 - (turn % 2) }),
  })
  return status
}
