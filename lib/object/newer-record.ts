// Objects that a newer version of the program wrote. They are read as they are, so this one may find other fields than it knows:
// says so once for each class to whoever has opened the store, as such an object can look whole.
import type { ClassRegistry } from './class-registry.js'
import type { Kind } from './header.js'

const warned = new WeakMap<ClassRegistry, Set<Kind>>()

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
