// The only public door. Everything that applications may rely on is exported here, and nothing else is.
export { open, type OpenEnded, type OpenOptions } from './object/open.js'
export {
  connectionOf,
  isUnknown,
  oidOf,
  touch,
  typeOf,
  type Connection,
  type Pause,
  type Sync,
} from './object/connection.js'
export { Persistent } from './object/persistent.js'
export { PersistentMap } from './collection/persistent-map.js'
export { PersistentList } from './collection/persistent-list.js'
export { PersistentSet } from './collection/persistent-set.js'
export { PersistentQueue } from './collection/persistent-queue.js'
export { PersistentCounter } from './collection/persistent-counter.js'
export type { Collection } from './collection/sealed.js'
export type { Key } from './collection/key.js'
export type { KeyBound, KeyPrefix, KeyRange, RangeOptions } from './collection/range.js'
export { plainCopy as plain, type CopyOptions, type NoCopyOptions, type Plain } from './collection/copied.js'
export type { SetLike } from './collection/members.js'
export type { PersistentClass, RootClass } from './object/entity-type.js'
export type { TransactOptions } from './object/transact.js'
export type { Resolved, ResolveOptions } from './object/resolve.js'
export type { Annotation } from './object/annotation.js'
export type { Commit, LogOptions } from './object/commit-log.js'
export type { Isolation } from './object/session.js'
export type { Mentioned, PlainOptions } from './object/plain.js'
export type { PackOptions, PackResult } from './store/pack.js'
export type { Usage } from './store/usage.js'
export type { OpenProgress } from './store/store-options.js'
export * from './error.js'
