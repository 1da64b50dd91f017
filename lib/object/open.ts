// Opening a store: checks the options, makes the first commit of a new store, and gives a connection.
import { systemDisk } from '../file/system-disk.js'
import type { Disk } from '../file/disk.js'
import { onDisk } from '../file/disk-error.js'
import { checkLongWork } from '../store/long-work.js'
import { Store } from '../store/store.js'
import { LOCK_TIMEOUT, type StoreOptions } from '../store/store-options.js'
import { ROOT_OID, type Draft } from '../store/types.js'
import { CACHE_BYTES } from './cache-budget.js'
import { ClassRegistry } from './class-registry.js'
import { Encoder } from './encoder.js'
import { Connection } from './connection.js'
import type { Writing } from './encoding.js'
import type { PersistentClass, RootClass } from './entity-type.js'
import { NOWHERE, headerOf, type Header } from './header.js'
import { InitialCopy } from './initial-values.js'
import { define } from './plain-node.js'
import { checkNames, quoted } from './option-names.js'
import type { Fields, Persistent } from './persistent.js'
import { giveOid } from './recordable.js'
import { Session, type Isolation, type SessionOptions } from './session.js'
import { ShapeTable } from './shapes.js'
import { checkIsolation } from './transact.js'

/** How a store is opened. What is no such option, or has another type, is refused with TypeError or RangeError. */
export interface OpenOptions extends StoreOptions {
  /** Classes whose objects are in the store, beside the root's. */
  readonly classes?: readonly PersistentClass[] | undefined
  /** `fsync`: a commit returns when it is on disk; `os`: when the system has it. `fsync` unless told. */
  readonly durability?: 'fsync' | 'os' | undefined
  /** `serializable`: all that a transaction accessed must be unchanged when it commits; `snapshot`: what it changed. */
  readonly isolation?: Isolation | undefined
  /** `transact`: changes are only allowed inside `transact()`; for servers, where requests share a connection. */
  readonly writes?: 'anywhere' | 'transact' | undefined
  /**
   * About how many bytes of loaded objects each connection keeps in memory, 64 MiB unless told; `Infinity`: all. What is let go
   * is loaded again when it is used.
   */
  readonly cacheBytes?: number | undefined
}

/** A root without a class and without initial values. */
export type OpenEnded = Persistent & Record<string, unknown>

type AnyFunction = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown)

/** A field of a new root; `never`, or a sentence that the compiler shows: it cannot be stored. What lies deeper is checked when the program runs. */
type InitialValue<V> = V extends AnyFunction | symbol
  ? never
  : V extends ReadonlyMap<infer K, infer E>
    ? NotNative<V, Map<K, E>, 'a native Map cannot be stored: use PersistentMap'>
    : V extends ReadonlySet<infer E>
      ? NotNative<V, Set<E>, 'a native Set cannot be stored: use PersistentSet'>
      : V

/** A collection of ours has all that a native one has, but not the other way round. */
type NotNative<V, Native, Why> = Native extends V ? Why : V

/** What may stand for a root without a class: never a class, or else `open` would take one for its own initial values. */
type InitialValues<S> = S extends AnyFunction | readonly unknown[]
  ? never
  : { readonly [K in keyof S]: InitialValue<S[K]> }

/**
 * Opens the store at `path`; a missing file is created, unless `readonly`. `root` is the class of the root object, or its initial
 * values, or absent: then any root is accepted.
 *
 * Throws StoreNotFoundError (`readonly`, or there is no such directory), NotAStoreError, NewerFormatError, CorruptLogError (`perdure
 * recover` saves what is sound), CommitNotFoundError (`until`), SchemaError (the stored root is of another class), UnsupportedError,
 * DiskError, the reason of `signal`; TypeError, RangeError and ValueError for classes, initial values and options that cannot be.
 */
export function open<R extends Persistent>(
  path: string,
  options: OpenOptions & { readonly root: RootClass<R> },
): Connection<R>
/** The same for a root without a class: `root` gives the values of a new one, and defaults from then on. */
export function open<S extends object>(
  path: string,
  options: OpenOptions & { readonly root: S & InitialValues<S> },
): Connection<Persistent & S>
/** The same for any root: its fields are `unknown`. */
export function open(path: string, options?: OpenOptions & { readonly root?: undefined }): Connection<OpenEnded>
export function open(
  path: string,
  options: OpenOptions & { readonly root?: RootClass | object | undefined } = {},
): Connection<never> {
  return openWith(systemDisk, path, options) as Connection<never>
}

/**
 * The same on a given disk. For tests.
 * @internal
 */
export function openWith(
  disk: Disk,
  path: string,
  options: OpenOptions & { readonly root?: RootClass | object | undefined } = {},
): Connection {
  if (typeof path !== 'string' || path === '') throw new TypeError('open: expects the path of a file')
  if (path === ':memory:')
    throw new TypeError(
      "open: a store is always in a file: for tests, open one in a temporary directory, with { durability: 'os' }",
    )
  checkNames(options, OPTIONS, 'open')
  const choices = checkOptions(options)
  checkRoot(options.root)
  if (!Array.isArray(options.classes ?? [])) throw new TypeError('open: classes must be an array of classes')
  const registry = new ClassRegistry(options.root, options.classes ?? [])
  const first =
    options.readonly !== true && onDisk(path, () => disk.lookUp(path)) === undefined
      ? initialDraft(registry)
      : undefined
  /** Of a store that is closed with the session. */
  const connect = (store: Store, endsWithTurn: boolean): Session => {
    try {
      return new Session(store, registry, { ...choices, endsWithTurn })
    } catch (error) {
      store.close()
      throw error
    }
  }
  const session = connect(Store.open(disk, path, options, first), true)
  try {
    registry.checkRoot(headerOf(session.root)?.kind.type ?? '', session.store.path)
  } catch (error) {
    session.close()
    throw error
  }
  const connection = new Connection<Fields>(session, () => connect(session.store.share(), false))
  try {
    if (!first && options.readonly !== true) fillRoot(connection, registry)
  } catch (error) {
    connection.close()
    throw error
  }
  return connection
}

/** A store that has been there before may lack what has been added to the initial values since. */
function fillRoot(connection: Connection<Fields>, { rootObjects }: ClassRegistry): void {
  const keys = Object.keys(rootObjects)
  if (keys.every(key => Object.hasOwn(connection.root, key))) return
  connection.transact(root => {
    const copy = new InitialCopy()
    for (const key of keys) if (!Object.hasOwn(root, key)) define(root, key, copy.value(rootObjects[key]))
  })
}

const OPTIONS: ReadonlySet<string> = new Set<keyof OpenOptions | 'root'>([
  ...(['root', 'classes', 'readonly', 'until', 'durability', 'isolation', 'writes', 'cacheBytes'] as const),
  ...(['lockTimeout', 'mode', 'unsafeFilesystem', 'onProgress', 'signal'] as const),
])

function checkRoot(root: unknown): void {
  if (root === undefined || typeof root === 'function') return
  // In whatever realm: what has no prototype, or one that has none itself.
  const prototype =
    typeof root === 'object' && root !== null ? (Object.getPrototypeOf(root) as object | null) : undefined
  if (prototype === null || (prototype && Object.getPrototypeOf(prototype) === null)) return
  throw new TypeError('open: root must be a class that extends Persistent, or a plain object of initial values')
}

function checkOptions({
  durability = 'fsync',
  isolation = 'serializable',
  writes = 'anywhere',
  cacheBytes = CACHE_BYTES,
  lockTimeout = LOCK_TIMEOUT,
  ...rest
}: OpenOptions): Omit<SessionOptions, 'endsWithTurn'> {
  if (durability !== 'fsync' && durability !== 'os')
    throw new TypeError(`durability must be 'fsync' or 'os', not ${quoted(durability)}`)
  if (writes !== 'anywhere' && writes !== 'transact')
    throw new TypeError(`writes must be 'anywhere' or 'transact', not ${quoted(writes)}`)
  if (typeof cacheBytes !== 'number' || !(cacheBytes >= 0))
    throw new RangeError(`cacheBytes must be a number of bytes, not ${quoted(cacheBytes)}`)
  if (typeof lockTimeout !== 'number' || !(lockTimeout >= 0))
    throw new RangeError(`lockTimeout must be a number of milliseconds, not ${quoted(lockTimeout)}`)
  checkIsolation(isolation)
  checkLongWork(rest)
  for (const name of ['readonly', 'unsafeFilesystem'] as const)
    if (typeof (rest[name] ?? false) !== 'boolean')
      throw new TypeError(`${name} must be true or false, not ${quoted(rest[name])}`)
  if (rest.mode !== undefined && !(Number.isInteger(rest.mode) && rest.mode >= 0 && rest.mode <= 0o777))
    throw new RangeError(`mode must be permission bits, as 0o600, not ${quoted(rest.mode)}`)
  if (rest.until !== undefined && !(Number.isSafeInteger(rest.until) && rest.until > 0))
    throw new RangeError(`until must be the number of a commit, not ${quoted(rest.until)}`)
  if (rest.until !== undefined && rest.readonly !== true)
    throw new TypeError('until needs { readonly: true }: the past cannot be changed')
  return { durability, isolation, writes, cacheBytes, lockTimeout }
}

/** The first commit: the root, and all that its constructor attached to it. */
function initialDraft(registry: ClassRegistry): Draft {
  const header = newRoot(registry)
  giveOid(header, ROOT_OID)
  const writing: Writing = {
    scope: NOWHERE,
    shapes: new ShapeTable(),
    generation: undefined,
    view: undefined,
    checkKind: (object, key, way) => {
      registry.check(object, () => way.path(key))
    },
    mustWrite: () => false,
    missing: () => undefined,
  }
  return new Encoder(writing).encode([header], new Uint8Array(0)).draft
}

function newRoot(registry: ClassRegistry): Header {
  const { root } = registry
  if (typeof root === 'function') {
    const header = headerOf(new (root as RootClass)())
    if (!header) throw new TypeError('the constructor of the root class returned something else than its object')
    return header
  }
  const header = registry.classless.create()
  for (const [key, value] of registry.initial) define(header.object, key, value)
  return header
}
