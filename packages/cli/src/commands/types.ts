import { writeFile } from 'node:fs/promises'
import { type Command, CommandError, takeArguments, textOption } from '../command.ts'
import { declarationOf } from '../declaration.ts'

const usage = `Writes TypeScript types of the rows a deployment reads and of what it answers, from its schema on the server.

Usage: millwright types DEPLOYMENT [--out FILE]

Options:
  --out FILE         write to a file (*.d.ts) instead of stdout

Examples:
  millwright types churn --out src/churn.d.ts
`

export const types: Command = {
  usage,
  options: { out: { type: 'string' } },
  async run({ terminal, client, json }, values, positionals) {
    const [name] = takeArguments(positionals, 'DEPLOYMENT')
    const out = textOption(values, 'out')
    const [deployment, schema] = await Promise.all([
      client.getDeployment(name!),
      client.getDeploymentSchema(name!),
    ])
    const declaration = declarationOf({ ...deployment, schema })
    if (out !== undefined)
      await writeFile(out, declaration).catch((error: Error) => {
        throw new CommandError(`${out} cannot be written: ${error.message}`)
      })
    if (json)
      terminal.stdout(
        `${JSON.stringify({ deployment: name, version: deployment.version.number, file: out ?? null, declaration })}\n`,
      )
    else if (out === undefined) terminal.stdout(declaration)
    else terminal.stderr(`${out} has the types of ${name}@${deployment.version.number}\n`)
    return 0
  },
}
