import { X509Certificate } from 'node:crypto'
import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import type { Logger } from '../logging.ts'

/** Where a certificate and its private key lie, as PEM. */
export type TlsFiles = { readonly cert: string; readonly key: string }

/**
 * What a connection agrees on: HTTP/2 with those who speak nothing else, as gRPC's clients do. Browsers speak both, and what
 * they ask for is not answered over HTTP/2.
 */
export const chooseProtocol = ({
  protocols,
}: {
  readonly protocols: readonly string[]
}): string | undefined => ['http/1.1', 'h2'].find((protocol) => protocols.includes(protocol))

/**
 * TLS 1.2 and later with the pair in these files.
 * @throws Error when one cannot be read, or they do not belong together
 */
export async function readTls({ cert, key }: TlsFiles): Promise<SecureContextOptions> {
  const [certText, keyText] = await Promise.all([read(cert), read(key)])
  const context = { cert: certText, key: keyText, minVersion: 'TLSv1.2' } as const
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  try {
    createSecureContext(context)
    return context
  } catch (error) {
    throw new Error(
      `${cert} and ${key} are not a certificate and its private key (${(error as Error).message}); both must be PEM`,
      { cause: error },
    )
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}

/** How often the files are looked at; links are followed, as those of mounted secrets change. */
const LOOK_MS = 2_000

/**
 * Takes up the pair anew when a file of it changes: new connections get the new certificate, open ones go on. A pair
 * that cannot be used changes nothing. @returns ends watching
 */
export function followTls(server: Server, files: TlsFiles, logger: Logger): () => void {
  const paths = [files.cert, files.key]
  const takeUp = async (): Promise<void> => {
    try {
      const context = await readTls(files)
      server.setSecureContext(context)
      logger.info(`serving the certificate that is valid until ${validUntil(String(context.cert))}`)
    } catch (error) {
      logger.error({ error }, 'the certificate before goes on being served')
    }
  }
  const changed = (): void => void takeUp()
  for (const path of paths) watchFile(path, { interval: LOOK_MS, persistent: false }, changed)
  return () => {
    for (const path of paths) unwatchFile(path, changed)
  }
}

const validUntil = (cert: string): string => new X509Certificate(cert).validTo
