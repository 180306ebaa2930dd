import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Folder of the installed program: the launcher lies in its `bin/`. */
const packageRoot = (): string => dirname(dirname(realpathSync(process.argv[1]!)))

export const exampleFolder = (): string => join(packageRoot(), 'examples', 'churn')
