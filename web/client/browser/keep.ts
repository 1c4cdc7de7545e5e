/**
 * Values at rest in this browser: AES-GCM under a key that can be used here and never be read out.
 * It protects what lies on the disk, not against a script on this origin, which could use the key.
 */
import { inOneStep, type Locks } from './locks'

/** A key-value store such as idb-keyval's; it must be able to hold a CryptoKey. */
export interface Store {
  get: (key: string) => Promise<unknown>
  set: (key: string, value: unknown) => Promise<void>
  delete: (key: string) => Promise<void>
  keys: () => Promise<string[]>
}

/** An entry's name says purpose and provider, and what is sealed under one name opens under no other. */
export type Name = `account/${string}` | `login/${string}/${string}`

const keyEntry = 'key'

/** The store behind the seal. */
export class Keep {
  readonly #store: Store
  readonly #locks: Locks
  #key: Promise<CryptoKey> | undefined

  constructor(store: Store, locks: Locks) {
    this.#store = store
    this.#locks = locks
  }

  /** The value, or undefined where there is none that this browser's key opens. */
  async read(name: Name): Promise<unknown> {
    const sealed = await this.#store.get(name)
    if (!isSealed(sealed)) return undefined
    const opened = await open(await this.#theKey(), name, sealed)
    return opened === undefined ? undefined : (JSON.parse(opened) as unknown)
  }

  async write(name: Name, value: object): Promise<void> {
    await this.#store.set(name, await seal(await this.#theKey(), name, JSON.stringify(value)))
  }

  delete(name: Name): Promise<void> {
    return this.#store.delete(name)
  }

  async names(prefix: string): Promise<Name[]> {
    const keys = await this.#store.keys()
    return keys.filter((key): key is Name => key.startsWith(prefix))
  }

  async #theKey(): Promise<CryptoKey> {
    this.#key ??= this.#findOrMakeKey()
    try {
      return await this.#key
    } catch (error) {
      // A store that failed once may work the next time.
      this.#key = undefined
      throw error
    }
  }

  /** Under a lock, or two tabs that open at once would each seal with a key of their own. */
  #findOrMakeKey(): Promise<CryptoKey> {
    return inOneStep(this.#locks, 'latchkey-key', async () => {
      const found = await this.#store.get(keyEntry)
      if (found instanceof CryptoKey) return found
      const made = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
        'encrypt',
        'decrypt',
      ])
      await this.#store.set(keyEntry, made)
      return made
    })
  }
}

interface Sealed {
  iv: Uint8Array<ArrayBuffer>
  data: ArrayBuffer
}

function isSealed(value: unknown): value is Sealed {
  return (
    typeof value === 'object' &&
    value !== null &&
    'iv' in value &&
    value.iv instanceof Uint8Array &&
    'data' in value &&
    value.data instanceof ArrayBuffer
  )
}

async function seal(key: CryptoKey, name: Name, text: string): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const data = await crypto.subtle.encrypt(cipher(iv, name), key, new TextEncoder().encode(text))
  return { iv, data }
}

async function open(key: CryptoKey, name: Name, { iv, data }: Sealed): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await crypto.subtle.decrypt(cipher(iv, name), key, data))
  } catch (error) {
    // Sealed under another name, by a key that is gone, or tampered with: WebCrypto tells no more.
    if (error instanceof DOMException && error.name === 'OperationError') return undefined
    throw error
  }
}

function cipher(iv: Uint8Array<ArrayBuffer>, name: Name): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(`latchkey/1/${name}`) }
}
