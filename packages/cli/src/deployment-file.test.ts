import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CommandError } from './command.ts'
import { planDeploy } from './deploy-plan.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millwright-folder-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const SKLEARN = 'mlserver_sklearn.SKLearnModel'

function put(path: string, content: unknown = ''): string {
  const whole = join(root, path)
  mkdirSync(dirname(whole), { recursive: true })
  writeFileSync(whole, typeof content === 'string' ? content : JSON.stringify(content))
  return dirname(whole)
}

/** What a plan would deploy, or the refusal in words, without the scratch folder. */
async function planned(path: string): Promise<unknown> {
  try {
    const { file, name, label } = await planDeploy(path, {})
    return { file: file.replace(`${root}/`, ''), name, label }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return [error.message, ...error.hints].map((line) => line.replaceAll(`${root}/`, ''))
  }
}

describe('the folder of a model of MLServer', () => {
  test('is deployed under its name and version', async () => {
    put('iris/model.joblib')
    const parameters = { uri: './model.joblib', version: 'v3', extra: { threads: 2 } }
    const folder = put('iris/model-settings.json', { name: 'flowers', implementation: SKLEARN, parameters })

    const expected = { file: 'iris/model.joblib', name: 'flowers', label: 'v3' }
    expect(await planned(folder)).toEqual(expected)
    expect(await planned(join(folder, 'model-settings.json'))).toEqual(expected)
  })

  test.each([
    ['without a path', {}, 'iris/model.bst'],
    ['with the path of a folder', { uri: 'mlflow' }, 'iris/mlflow/model.pkl'],
  ])('%s has a file of a known name', async (_, parameters, file) => {
    put('iris/model.bst')
    put('iris/mlflow/model.pkl')
    const folder = put('iris/model-settings.json', { implementation: SKLEARN, parameters })

    expect(await planned(folder)).toEqual({ file, name: 'iris', label: undefined })
  })

  test.each([
    [
      'code of its own',
      { name: 'iris', implementation: 'models.Mine', parameters: { uri: 'model.joblib' } },
      [
        'iris: the implementation of model-settings.json, models.Mine, is Python code, which does not run here',
        'millwright deploy iris/model.joblib, to deploy the model without that code',
      ],
    ],
    [
      'a model elsewhere',
      { name: 'iris', implementation: SKLEARN, parameters: { uri: 's3://models/iris' } },
      [
        'iris: the model of model-settings.json is at s3://models/iris, not in the folder',
        'millwright deploy FILE --name iris, with a copy of it',
      ],
    ],
    [
      'no model',
      { implementation: SKLEARN, parameters: { uri: 'gone.joblib' } },
      ['iris: there is no model file of a known name', 'millwright deploy FILE, with the model file'],
    ],
    [
      'a model beside it',
      { implementation: SKLEARN, parameters: { uri: '../secret' } },
      [
        'iris: "../secret" lies outside of the folder',
        'copy it into the folder, or give the model file itself',
      ],
    ],
  ])('is refused with %s', async (_, settings, expected) => {
    put('secret')
    put('iris/model.joblib')

    expect(await planned(put('iris/model-settings.json', settings))).toEqual(expected)
  })

  test('is refused with a link that leads out of it', async () => {
    put('secret')
    const folder = put('iris/model-settings.json', { implementation: SKLEARN })
    symlinkSync(join(root, 'secret'), join(folder, 'model.joblib'))

    expect(await planned(folder)).toEqual(expect.arrayContaining([expect.stringContaining('lies outside')]))
  })
})

describe('a folder that does not say how it is deployed', () => {
  const without = 'all is a folder without millwright.toml, deployment.json or model-settings.json'

  test('is told the commands for the models in it', async () => {
    put('all/model.pkl')
    put('all/mine/model-settings.json', {})
    put('all/triton/config.pbtxt')
    put('all/triton/9/model.onnx')
    put('all/triton/10/model.onnx')
    put('all/code/1/model.py')
    put('all/notes/read.me')

    expect(await planned(join(root, 'all'))).toEqual([
      without,
      'millwright deploy all/model.pkl --name all',
      'all/code/1/model.py is Python code, which does not run here: deploy the model file that it loads',
      'millwright deploy all/mine',
      'millwright deploy all/triton/10/model.onnx --name triton',
    ])
  })

  test('is told ten of many', async () => {
    for (let index = 10; index < 30; index++) put(`all/m${index}/model.pkl`)

    const lines = (await planned(join(root, 'all'))) as string[]

    expect(lines).toHaveLength(12)
    expect(lines.at(-1)).toBe('and 10 more, one for each folder of all')
  })

  test('and has no models is told to give one', async () => {
    put('all/read.me')

    expect(await planned(join(root, 'all'))).toEqual([without, 'give the model file itself'])
  })
})
