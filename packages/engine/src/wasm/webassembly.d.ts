/** The part of the JavaScript API of WebAssembly that we use: it is in TypeScript's DOM library, not in Node's types. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean })
    readonly buffer: ArrayBuffer
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>)
  }
  class Instance {
    constructor(module: Module, imports: { [module: string]: { [name: string]: Memory } })
    readonly exports: { readonly [name: string]: unknown }
  }
}
