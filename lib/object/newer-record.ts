// Objects that a newer version of the program wrote. They are read as they are, without the defaults of this version: what the newer one
// has left out has no value that this one could know. So it may find other fields than it knows: says so once for each class to whoever
// has opened the store, as such an object can look whole.
import { isUnknownKind, type ClassRegistry } from './class-registry.js'
import type { Kind } from './header.js'
import type { Shape } from './shapes.js'

const warned = new WeakMap<ClassRegistry, Set<Kind>>()

/** Whether a newer version of the class wrote what has this shape. */
export function isNewer(kind: Kind, { version }: Shape): boolean {
  return version > kind.version && !isUnknownKind(kind)
}

/** To be called when an object of this kind is read of which a newer version of the class wrote the record. */
export function warnOfNewer(registry: ClassRegistry, kind: Kind, version: number): void {
  let kinds = warned.get(registry)
  if (!kinds) warned.set(registry, (kinds = new Set()))
  if (kinds.has(kind)) return
  kinds.add(kind)
  process.emitWarning(
    `Version ${version} of the class ${kind.type} wrote an object that this program reads, which has version ${kind.version} of it: ` +
      'fields may be missing or mean something else. Update the program. Until then it can read such objects, and not change them.',
    { type: 'PerdureWarning', code: 'PERDURE_NEWER_RECORD' },
  )
}
