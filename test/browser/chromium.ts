/** Debian's Chromium: apt-get install --no-install-recommends chromium fonts-dejavu-core. */
export const CHROMIUM = '/usr/bin/chromium'

export const FLAGS = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
