// The classes that one connection knows, by their stored names. Refuses at once what could not be loaded again later.
import { SchemaError, ValueError } from '../error.js'
import { isPlainObject } from './adopt.js'
import { isOfAnotherCopy, ONE_COPY } from './brand.js'
import { collectionKinds } from './collection.js'
import { ancestry, EntityType, entityTypeOf, type PersistentClass } from './entity-type.js'
import type { Kind } from './header.js'
import { holdsObjects, initialFields } from './initial-values.js'
import type { Recordable } from './recordable.js'
import { quoted } from './option-names.js'
import { Persistent } from './persistent.js'
import { isObject, isOrdinaryString } from './values.js'

type AnyClass = PersistentClass & { readonly prototype: Persistent; readonly name: string }

export class ClassRegistry {
  readonly #kinds = new Map<string, Kind>()
  readonly #unknown = new Map<string, Kind>()
  /** The class of the root, or the values that it has when the store is new. */
  readonly root: AnyClass | object | undefined
  /** Of a root without a class. */
  readonly classless: EntityType
  /** Its initial values. */
  readonly initial: readonly (readonly [name: string, value: unknown])[]
  /** Those that are, or contain, persistent objects. */
  readonly rootObjects: Readonly<Record<string, unknown>>

  constructor(root: AnyClass | object | undefined, classes: readonly unknown[]) {
    this.root = root
    for (const kind of collectionKinds()) this.#kinds.set(kind.type, kind)
    const values = (this.initial = initialFields(typeof root === 'object' ? root : {}, 'root'))
    this.rootObjects = Object.fromEntries(values.filter(([, value]) => holdsObjects(value)))
    this.classless = new EntityType(
      undefined,
      '',
      Object.fromEntries(values.filter(([, value]) => !holdsObjects(value))),
    )
    this.classless.create().fillInDefaults() // what is refused is refused now
    this.#kinds.set('', this.classless)
    for (const Class of typeof root === 'function' ? [root, ...classes] : classes) this.#register(checkClass(Class))
  }

  #register(type: EntityType): void {
    const known = this.#kinds.get(type.type)
    if (known === type) return
    if (known)
      throw new TypeError(
        `the classes ${known.Class?.name} and ${type.Class?.name} both have static type = '${type.type}': one name, one class`,
      )
    this.#kinds.set(type.type, type)
  }

  /** The kind stored under this name; a placeholder for classes that are not registered. */
  kind(type: string): Kind {
    const known = this.#kinds.get(type) ?? this.#unknown.get(type)
    if (known) return known
    const unknown = new EntityType(undefined, type)
    this.#unknown.set(type, unknown)
    return unknown
  }

  /** Would objects of this kind be found again? */
  has(kind: Kind): boolean {
    return this.#kinds.get(kind.type) === kind
  }

  /** Throws unless objects like this one would be found again. */
  check({ kind }: Recordable, path: () => string): void {
    if (this.has(kind)) return
    const name = kind.Class?.name || 'without a name'
    const isTwice = kind.type !== '' && this.#kinds.has(kind.type)
    throw new ValueError(
      path(),
      isTwice
        ? `the class ${name} is not the one with static type '${kind.type}' that is registered: its module was evaluated twice, or stands in ` +
            'two places. Have it once, or open the store again with this one'
        : `the class ${name} is not registered: name it in the classes of open(), and give it a static type`,
    )
  }

  /** Throws when the store's root is not what `open` was told. */
  checkRoot(stored: string, path: string): void {
    if (this.root === undefined) return
    const given = typeof this.root === 'function' ? (this.root as AnyClass).type : ''
    if (given !== stored) {
      const name = (type: string | undefined): string => (type ? `an object of the class '${type}'` : 'a plain object')
      const advice =
        stored === ''
          ? `It can stay one: open it with a plain object as its root, and keep an object of the class '${given}' in a field of that`
          : `Open it with the class that has the static type '${stored}', or without a root, or name another path`
      throw new SchemaError(
        `${path}: the root of this store is ${name(stored)}, and open() was given ${name(given)} as its root. ${advice}`,
      )
    }
  }
}

export function isUnknownKind(kind: Kind): boolean {
  return kind.Class === undefined && kind.type !== ''
}

function checkClass(given: unknown): EntityType {
  const Class = given as AnyClass
  if (typeof given !== 'function') throw new TypeError(`classes: ${String(given)} is not a class`)
  if (given === Persistent)
    throw new TypeError('Persistent is no class to store: derive one of your own from it, with a static type')
  if (!(Class.prototype instanceof Persistent)) {
    if (isOfAnotherCopy(Class)) throw new TypeError(`the class ${Class.name} extends the Persistent of ${ONE_COPY}`)
    throw new TypeError(`the class ${Class.name} does not extend Persistent`)
  }
  if (!Object.hasOwn(Class, 'type') || typeof Class.type !== 'string' || Class.type === '') {
    throw new TypeError(
      `the class ${Class.name} has no type of its own: write \`static type = '${Class.name}'\` in it, the name that is stored`,
    )
  }
  if (!isOrdinaryString(Class.type))
    throw new TypeError(
      `the class ${Class.name} has a type that would not come back as it is: one without lone surrogates, and that begins with no byte order mark`,
    )
  const { version = 1 } = Class
  if (!Number.isSafeInteger(version) || version < 0)
    throw new TypeError(`${Class.name}.version must be a whole number, not ${quoted(version)}`)
  checkStatics(Class)
  const defaults: unknown = Class.defaults === undefined ? {} : Class.defaults
  if (!isObject(defaults) || !isPlainObject(defaults))
    throw new TypeError(
      `${Class.name}.defaults must be a plain object, of the values that fields have which a record lacks`,
    )
  for (const [key, value] of initialFields(defaults, `${Class.name}.defaults`)) {
    if (holdsObjects(value))
      throw new TypeError(
        `${Class.name}.defaults.${key} holds a persistent object, of which there would be one for all: ` +
          `make one for each in a transaction that finds none (object.${key} ??= ...)`,
      )
  }
  warnOfPrivateMembers(Class)
  const type = entityTypeOf(Class)
  type.create().fillInDefaults() // what is refused is refused now, and not once an object has been committed that lacks the field
  return type
}

/** A list of transient fields that is no list would leave them to be stored. */
function checkStatics(Class: AnyClass): void {
  for (const C of ancestry(Class) as { name: string; transient?: unknown }[]) {
    const fields = Object.hasOwn(C, 'transient') ? C.transient : undefined
    if (fields === undefined || (Array.isArray(fields) && fields.every(field => typeof field === 'string'))) continue
    throw new TypeError(`${C.name}.transient must be an array of the names of fields, not ${quoted(fields)}`)
  }
  const { upgrade, merge } = Class as { upgrade?: unknown; merge?: unknown }
  for (const [name, given] of Object.entries({ upgrade, merge })) {
    if (given !== undefined && typeof given !== 'function')
      throw new TypeError(`${Class.name}.${name} must be a function, not ${quoted(given)}`)
  }
}

const warned = new WeakSet<object>()

/** Private fields are made by constructors, and loading an object runs none. */
function warnOfPrivateMembers(Class: AnyClass): void {
  for (const C of ancestry(Class)) {
    if (warned.has(C)) continue
    warned.add(C)
    const source = Function.prototype.toString
      .call(C)
      .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, '')
    const found = /[{;}\n\s]\s*(?:static\s+)?(#[\w$]+|accessor\s+[\w$#]+)\s*[=;(\n]/.exec(source)?.[1]
    if (found === undefined || /static\s+(#|accessor)/.test(source.slice(0, source.indexOf(found) + 1))) continue
    process.emitWarning(
      `the class ${C.name} declares ${found}: private and accessor members are made by constructors, which do not run when an object is loaded. ` +
        'Use ordinary fields, or name a field in static transient.',
      { type: 'PerdureWarning', code: 'PERDURE_PRIVATE' },
    )
  }
}
