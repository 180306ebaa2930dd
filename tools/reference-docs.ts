import { readFileSync, writeFileSync } from 'node:fs'
import { COMMANDS, HELP } from '../packages/cli/src/commands.ts'

/** node tools/reference-docs.ts: writes docs/reference/{cli,configuration}.md from the commands and the settings themselves. */

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

export async function buildCliPage(): Promise<string> {
  const server = /const USAGE = `([\s\S]+?)`/.exec(read('packages/server/src/main.ts'))![1]!
  const usages = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => section(name, (await load()).usage)),
  )
  return `# Command line\n\n${block(HELP)}\n${section('up', server)}\n${usages.join('\n')}`
}

const block = (text: string): string => `\`\`\`\n${text.replaceAll('\\${', '${').trimEnd()}\n\`\`\`\n`
const section = (name: string, usage: string): string => `## ${name}\n\n${block(usage)}`

/** A setting in `config.ts`: its comment, its name, its rule. */
const SETTING = /\/\*\* ([^*]+?) \*\/\n\s+(MILLWRIGHT_\w+): (\w+\([\s\S]*?\)),\n(?=\s+\/\*\*|\})/g

export function buildConfigurationPage(): string {
  const rows = [...read('packages/server/src/config.ts').matchAll(SETTING)].map(([, comment, name, rule]) => {
    const value = /^\w+\(([^,)]+)/.exec(rule!)![1]!
    return `| \`${name}\` | ${comment!.replace(/\s+/g, ' ')} | ${DEFAULTS[name!] ?? `\`${evaluate(value)}\``} |`
  })
  return `# Configuration

Read from the environment, once, at start; options of \`millwright up\` win over it. Everything wrong is said at once.

| variable | what | default |
|---|---|---|
${rows.join('\n')}

The command line reads \`MILLWRIGHT_URL\` (default \`http://127.0.0.1:7600\`), \`MILLWRIGHT_USER\` (default: who is logged in), \`NO_COLOR\`.
`
}

/** Defaults that depend on the machine. */
const DEFAULTS: Readonly<Record<string, string>> = {
  MILLWRIGHT_DATA: '`~/.local/share/millwright`',
  MILLWRIGHT_GATEWAYS: 'one per core',
}

/** `16 * MEBIBYTE` → 16777216 */
function evaluate(source: string): string {
  const product = /^(\d+) \* MEBIBYTE$/.exec(source)
  if (product !== null) return String(Number(product[1]) * 2 ** 20)
  return source.replaceAll('_', '').replaceAll("'", '')
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/reference/cli.md', import.meta.url), await buildCliPage())
  writeFileSync(new URL('../docs/reference/configuration.md', import.meta.url), buildConfigurationPage())
}
