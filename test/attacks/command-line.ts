import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { cli, ROOT, removeFolder, temporaryFolder } from '../support/millwright.ts'
import type { Attack } from './attack.ts'

/** S23 and S25: what the command line writes for others to run, and what it is told to run. */

const MODEL = join(ROOT, 'packages/server/test/fixtures/models/iris-lr.joblib')

export const COMMAND_LINE: readonly Attack[] = [
  {
    number: 23,
    words: 'names of columns stay text in the command and in the program that are written with them',
    run: async ({ url }) => {
      const folder = temporaryFolder()
      const mark = join(folder, 'mark')
      const write = `process.getBuiltinModule("node:fs").mkdirSync("${mark}")`
      const columns = [
        `x'; touch ${mark}; '`,
        `$(touch ${mark})\`touch ${mark}\``,
        `*/ ${write} /*`,
        `"; ${write}; "\n${write}\n//`,
      ]
      const deployed = await cli(['deploy', MODEL, '--name', 'named', '--columns', columns.join()], { url })
      const command = deployed.stderr.slice(deployed.stderr.indexOf('curl -s'))
      const answer = execFileSync('sh', ['-c', command], { encoding: 'utf8' })
      const types = await cli(['types', 'named'], { url })
      writeFileSync(join(folder, 'named.ts'), types.stdout)
      execFileSync(process.execPath, [join(folder, 'named.ts')])
      const marked = existsSync(mark)
      removeFolder(folder)

      expect([deployed.code, types.code, marked]).toEqual([0, 0, false])
      expect(JSON.parse(answer)).toMatchObject({ deployment: 'named' })
    },
  },
  {
    number: 25,
    words: 'settings of a model that name code are refused, and the code is not looked for',
    run: async ({ url, ask }) => {
      const folder = temporaryFolder()
      const model = join(folder, 'model')
      mkdirSync(model)
      copyFileSync(MODEL, join(model, 'model.joblib'))
      const mark = join(folder, 'mark')
      writeFileSync(join(model, 'evil.py'), `open(${JSON.stringify(mark)}, "w")`)
      const found = []
      for (const implementation of ['os.system', 'evil.Model', 'mlserver_sklearn/../evil.Model', { a: 1 }]) {
        const settings = { name: 'coded', implementation, parameters: { uri: './model.joblib' } }
        writeFileSync(join(model, 'model-settings.json'), JSON.stringify(settings))
        const { code, stderr } = await cli(['deploy', model], { url })
        found.push([code, stderr.includes('Python code, which does not run here')])
      }
      const ready = await ask('GET', '/v2/models/coded/ready')
      const marked = existsSync(mark)
      removeFolder(folder)

      expect(found).toEqual(Array(4).fill([1, true]))
      expect([ready.status, marked]).toEqual([404, false])
    },
  },
]
