import { existsSync, statSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import type { DeploymentFile } from '@millwright/contracts'
import { CommandError } from './command.ts'
import { pathInside } from './path-inside.ts'

/** What model servers and MLflow call a model file, in the order they are looked for. */
const MODEL_FILES = [
  ...['model.joblib', 'model.pickle', 'model.pkl', 'model.onnx', 'model.ubj', 'model.json', 'model.bst'],
  ...['model.xgb', 'model.lgb', 'model.txt', 'model.cbm', 'model.bin', 'xgboost.ubj', 'xgboost.json'],
]

/** Runtimes of MLServer that answer with nothing but a model file. */
const RUNTIMES = /^mlserver_(sklearn|xgboost|lightgbm|catboost|mlflow|onnx)\./

export const findModelFile = (folder: string): string | undefined =>
  MODEL_FILES.map((name) => join(folder, name)).find((path) => existsSync(path))

/**
 * What MLServer's `model-settings.json` says of how its model is deployed: name, file and version.
 * @throws CommandError when it names code of its own, or a model that is not in the folder
 */
export function deploymentOfModelSettings(folder: string, settings: unknown): DeploymentFile {
  const { name, implementation, parameters } = fieldsOf(settings)
  const { uri, version } = fieldsOf(parameters)
  const refuse = (message: string, hint: string) => new CommandError(`${folder}: ${message}`, [hint])
  if (typeof uri === 'string' && (uri.startsWith('/') || uri.includes('://')))
    throw refuse(
      `the model of model-settings.json is at ${uri}, not in the folder`,
      `millwright deploy FILE${typeof name === 'string' ? ` --name ${name}` : ''}, with a copy of it`,
    )
  const file = modelFileAt(typeof uri === 'string' ? pathInside(folder, uri) : folder)
  if (typeof implementation !== 'string' || !RUNTIMES.test(implementation))
    throw refuse(
      `the implementation of model-settings.json, ${String(implementation)}, is Python code, which does not run here`,
      file === undefined
        ? 'millwright deploy FILE, with the model file that it loads'
        : `millwright deploy ${file}, to deploy the model without that code`,
    )
  if (file === undefined)
    throw refuse('there is no model file of a known name', 'millwright deploy FILE, with the model file')
  return {
    file: relative(folder, file),
    name: typeof name === 'string' ? name : basename(resolve(folder)),
    ...(typeof version === 'string' && { label: version }),
  }
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/** A file as it is, or that of a known name in a folder. */
function modelFileAt(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  return statSync(path).isDirectory() ? findModelFile(path) : path
}
